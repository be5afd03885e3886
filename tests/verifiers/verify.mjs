// Verifies messages with the reference library: a line of JSON each, with key, headers and body. Prints what it makes of each.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(process.argv[2] + "/");
const { Webhook, WebhookVerificationError } = require("standardwebhooks");

for await (const line of createInterface({ input: process.stdin })) {
  const { key, headers, body } = JSON.parse(line);
  try {
    console.log(new Webhook(key).verify(body, headers).type);
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    console.log("refused: " + error.message);
  }
}
