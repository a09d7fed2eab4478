/** What a browser does for its pages, as far as the tour needs it, and a network that loses answers. */
import { webcrypto } from "node:crypto";
import ws from "ws";

// Browsers have it; Node.js has it from version 20 on.
globalThis.crypto ??= webcrypto as Crypto;

/** Node.js has it from version 22 on. */
export const NodeWebSocket = ws as unknown as typeof WebSocket;

/** A page: it keeps the server's cookies, and says where it is from. */
export class Page {
  readonly cookies = new Map<string, string>();
  /** What it asked for, as in `GET /api/club`. */
  readonly asked: string[] = [];

  constructor(readonly origin: string) {}

  readonly fetch = async (request: Request): Promise<Response> => {
    const { origin, pathname } = new URL(request.url);
    this.asked.push(`${request.method} ${pathname}`);
    for (const [name, value] of Object.entries(this.headers())) request.headers.set(name, value);
    request.headers.set("Sec-Fetch-Site", origin === this.origin ? "same-origin" : "cross-site");
    const response = await fetch(request);
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === "") this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  };

  /** Its sockets say the same. */
  readonly WebSocket = socketOf(this);

  headers(): Record<string, string> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    return { cookie, origin: this.origin };
  }
}

function socketOf(page: Page): typeof WebSocket {
  return class extends ws {
    constructor(url: string, protocol: string) {
      page.asked.push("SOCKET");
      super(url, protocol, { headers: page.headers() });
    }
  } as unknown as typeof WebSocket;
}

/** A network over which every request arrives, but not the first answer to one of this path. */
export function losingAnAnswerTo(path: RegExp): (request: Request) => Promise<Response> {
  let lost = false;
  return async (request) => {
    const response = await fetch(request);
    if (lost || !path.test(request.url)) return response;
    lost = true;
    throw new TypeError("The network lost the answer.");
  };
}

/** What is waited for has to come within a while. */
export async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`This did not happen: ${what}.`)), 20_000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
