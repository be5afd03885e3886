//! Servers in the place of a sink's that speak PostgreSQL's protocol and mean ill.

use crate::scripted::{GREETING, Said, Server, Site, usual};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
/// Of PostgreSQL's own types.
const BOOL: u32 = 16;

/// What the client says until the connection ends; the start without its length.
fn heard(mut client: TcpStream, mut answer: impl FnMut(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut length = [0; 4];
    client.read_exact(&mut length).unwrap();
    let mut all = vec![0; u32::from_be_bytes(length) as usize - 4];
    client.read_exact(&mut all).unwrap();
    let mut said = answer(&[]);
    let mut portion = [0; 8192];
    while client.write_all(&said).is_ok() {
        let Ok(read @ 1..) = client.read(&mut portion) else { break };
        all.extend_from_slice(&portion[..read]);
        said = answer(&portion[..read]);
    }
    all
}

/// A site whose sink is this server, and all that it is sent.
fn beside(answer: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static) -> (Site, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let pbx = Server::start(GREETING, 1_000, Box::new(|action| Some(usual(action))));
    let site = Site::new(pbx.port);
    site.configure(&format!(
        "[pbx]\naddress = \"127.0.0.1:{}\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n[api]\nsocket = \"api.sock\"\n\
         [[sink]]\nname = \"head\"\ntype = \"postgres\"\nurl = \"postgres://callbackd@127.0.0.1:{port}/callbackd\"\npassword_file = \"writer\"\n",
        pbx.port
    ));
    site.write("writer", "the-password", 0o600);
    (site, std::thread::spawn(move || heard(listener.accept().unwrap().0, answer)))
}

fn shown(site: &Site) -> Said {
    site.run(&["sink", "show", "head", "--config", "callbackd.toml"])
}

/// A statement is known, takes nothing and returns one column of this type, which holds one byte.
fn of_type(oid: u32) -> impl FnMut(&[u8]) -> Vec<u8> {
    move |asked| match asked.first() {
        None => WELCOME.to_vec(),
        Some(b'P') => {
            let column =
                [b"x\0\0\0\0\0\0\0".as_slice(), &oid.to_be_bytes(), b"\xff\xff\xff\xff\xff\xff\0\x01"].concat();
            [b"1\0\0\0\x04t\0\0\0\x06\0\0T\0\0\0\x1a\0\x01".as_slice(), &column, b"Z\0\0\0\x05I"].concat()
        }
        _ => b"2\0\0\0\x04D\0\0\0\x0b\0\x01\0\0\0\x01\x01C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I".to_vec(),
    }
}

#[test]
fn what_a_server_calls_its_types_is_not_asked_about() {
    let (site, server) = beside(of_type(500_000));
    let said = shown(&site);
    assert_eq!(said.code, 69, "{said:?}");
    let heard = server.join().unwrap();
    let asked = String::from_utf8_lossy(&heard);
    assert!(asked.contains("SHOW server_encoding") && !asked.contains("pg_type"), "{asked}");
}

#[test]
fn a_value_of_another_type_is_a_refusal_and_no_bug() {
    let (site, server) = beside(of_type(BOOL));
    let said = shown(&site);
    assert!(said.code == 69 && said.err.contains("error deserializing column 0"), "{said:?}");
    server.join().unwrap();
}

#[test]
fn in_the_clear_nobody_gets_the_password_by_asking_for_it() {
    let (site, server) = beside(|_| b"R\0\0\0\x08\0\0\0\x03".to_vec());
    let said = shown(&site);
    assert!(said.code == 69 && said.err.contains("let pg_hba.conf say scram-sha-256"), "{said:?}");
    let heard = server.join().unwrap();
    assert!(!String::from_utf8_lossy(&heard).contains("the-password"));
}
