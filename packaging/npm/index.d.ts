/** A server that keeps everything in memory. start() makes one. */
export interface Server {
  /** Address, such as http://127.0.0.1:40001. */
  readonly endpoint: string;
  /** Region of the seed file, or us-east-1. The server serves every Region. */
  readonly region: string;
  /** Credentials of the root of the account 000000000000. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** The configuration of a client of the AWS SDK. */
  client(): { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  /** The variables of the environment by which programs of AWS SDKs find the server. */
  environment(): Record<string, string>;
  /** The time of the clock by which keys and import tokens expire. */
  now(): Promise<Date>;
  /** Moves this clock forward, by whole seconds, and returns its time. Signatures follow wall time. */
  moveClock(milliseconds: number): Promise<Date>;
  /** Ends the server. All its data is lost. */
  stop(): Promise<void>;
}

export interface Options {
  /** A file that declares keys (docs/seed-file.md). */
  seed?: string;
}

/** Starts a server on a free port of the loopback interface. */
export function start(options?: Options): Promise<Server>;

/** The path of the program keyhold. */
export const program: string;
