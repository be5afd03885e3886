"""Verifies messages with the reference library: a line of JSON each, with key, headers and body. Prints what it makes of each."""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

for line in sys.stdin:
    message = json.loads(line)
    try:
        print(Webhook(message["key"]).verify(message["body"], message["headers"])["type"])
    except WebhookVerificationError as error:
        print("refused:", error)
