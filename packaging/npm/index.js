// Keyhold for tests: a complete server in a process of its own, with a clock that the test moves.
import { execFile, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const program = fileURLToPath(new URL("./bin/keyhold", import.meta.url));

class Server {
  #process;
  #ended;

  constructor(child, ended, endpoint, region) {
    this.#process = child;
    this.#ended = ended;
    this.endpoint = endpoint;
    this.region = region;
    this.credentials = { accessKeyId: "test", secretAccessKey: "test" };
  }

  client() {
    return { endpoint: this.endpoint, region: this.region, credentials: { ...this.credentials } };
  }

  environment() {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_ENDPOINT_URL_KMS: this.endpoint,
      AWS_REGION: this.region,
      AWS_DEFAULT_REGION: this.region,
      AWS_ACCESS_KEY_ID: this.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: this.credentials.secretAccessKey,
    };
  }

  now() {
    return this.#clock("show");
  }

  moveClock(milliseconds) {
    return this.#clock("advance", `${Math.trunc(milliseconds / 1000)}s`);
  }

  async stop() {
    this.#process.kill("SIGTERM");
    await this.#ended;
  }

  async #clock(...command) {
    const { stdout } = await run(program, ["clock", ...command, "--output", "json"], {
      env: { ...withoutAWS(), ...this.environment() },
    });
    return new Date(JSON.parse(stdout).Now * 1000);
  }
}

export function start({ seed } = {}) {
  const args = ["dev", "--addr", "127.0.0.1:0", ...(seed === undefined ? [] : ["--seed", seed])];
  const child = spawn(program, args, { env: withoutAWS(), stdio: ["ignore", "pipe", "pipe"] });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end); // a server does not outlive the tests
  const ended = new Promise((resolve) => child.once("close", resolve));
  ended.then(() => process.removeListener("exit", end));
  return new Promise((resolve, reject) => {
    let printed = "";
    let ready = false;
    const read = (text) => {
      if (ready) return; // what the server logs is read, and dropped
      printed += text;
      const endpoint = /^ *endpoint +(\S+)$/m.exec(printed);
      const region = /export AWS_REGION=(\S+)/.exec(printed);
      if (!endpoint || !region) return;
      ready = true;
      resolve(new Server(child, ended, endpoint[1], region[1]));
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", read);
    child.once("error", reject);
    ended.then(() => reject(new Error(`keyhold did not start: ${printed}`)));
  });
}

// The environment without settings of AWS, which belong to other servers.
function withoutAWS() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("AWS_")));
}
