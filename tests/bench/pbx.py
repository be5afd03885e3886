"""Asterisk's manager, as far as a login, empty lists and a ping go: what tests/bench/start and tests/bench/flood connect callbackd to."""
import socket, threading


class Pbx(threading.Thread):
    """Listens on a free `port`; `client` is the connection that has logged in, once `ready`."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.client, self.ready, self.writing = None, threading.Event(), threading.Lock()
        self.start()

    def run(self):
        while True:
            threading.Thread(target=self.speak, args=(self.listener.accept()[0],), daemon=True).start()

    def send(self, what):
        with self.writing:
            self.client.sendall(what)

    def speak(self, client):
        try:
            client.sendall(b"Asterisk Call Manager/11.0.0\r\n")
            heard = b""
            while more := client.recv(65536):
                heard += more
                while b"\r\n\r\n" in heard:
                    frame, heard = heard.split(b"\r\n\r\n", 1)
                    asked = dict(line.split(b": ", 1) for line in frame.split(b"\r\n") if b": " in line)
                    with self.writing:
                        client.sendall(self.answer(asked))
                    if asked[b"Action"] == b"CoreShowChannels":
                        # It lists the channels last: what is up now is all that was before.
                        self.client = client
                        self.ready.set()
        except OSError:
            pass

    def answer(self, asked):
        action, ident = asked[b"Action"], b"ActionID: " + asked.get(b"ActionID", b"") + b"\r\n"
        said = b"Response: Success\r\n" + ident
        if action == b"Challenge":
            return said + b"Challenge: 555001\r\n\r\n"
        if action == b"Login":
            return said + b"Message: Authentication accepted\r\n\r\nEvent: FullyBooted\r\nPrivilege: system,all\r\nUptime: 99\r\nLastReload: 99\r\nStatus: Fully Booted\r\n\r\n"
        if action in (b"QueueStatus", b"CoreShowChannels", b"DeviceStateList"):
            end = b"Event: " + action + b"Complete\r\n" + ident + b"EventList: Complete\r\nListItems: 0\r\n\r\n"
            return said + b"EventList: start\r\n\r\n" + end
        return said + b"\r\n"
