/**
 * A client of Muster's API, to be copied. Every operation is typed by what `npm run generate` makes of `openapi.json`;
 * this file adds what types cannot say. It needs `fetch` and `crypto.randomUUID`, which Node.js 20 has, and browsers have
 * for pages over https or on localhost.
 *
 * ```ts
 * const muster = connect({ base: location.origin, cookies: true });
 * await muster.signIn({ email, password });
 * const classes = await answer(muster.api.GET("/api/classes", { params: { query: { available: true } } }));
 * ```
 */
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/api.js";

export type Schemas = components["schemas"];

export interface Options {
  /** Where the server is, as in `https://club.example`. */
  base: string;
  /**
   * For web pages: the tokens are in cookies that scripts cannot read. Nothing else is needed against other sites, since
   * browsers say where a request comes from and the server refuses theirs (`cross_site`). Browsers send the cookies for
   * pages of the server's own site only: the operator can name other origins of it, and pages of other sites take tokens.
   */
  cookies?: boolean;
  /** For apps: the refresh token that was kept, for this client alone. */
  refreshToken?: string;
  /** For apps: keep this refresh token in the place of the last one; null once nobody is signed in any more. */
  keep?: (refreshToken: string | null) => void | Promise<void>;
  /** Another `fetch` than the usual. */
  fetch?: (request: Request) => Promise<Response>;
}

export type Muster = ReturnType<typeof connect>;

export function connect({ base, cookies = false, refreshToken, keep, fetch = globalThis.fetch }: Options) {
  let accessToken: string | null | undefined;
  let expires = 0;
  let turns = 0; // how often there were other tokens
  let refreshing: Promise<void> | undefined;

  // With tokens no cookie goes along: it could be somebody else's.
  const shared = { baseUrl: base, credentials: cookies ? "include" : "omit" } as const;
  const api = createClient<paths, Json>({ ...shared, fetch: send });
  /** For whoever is not signed in: here a 401 is the answer, and no refresh mends it. */
  const unsigned = createClient<paths, Json>({ ...shared, fetch });

  /** Without tokens nobody is signed in any more. */
  async function take(tokens?: Schemas["TokensShown"]) {
    accessToken = tokens?.access_token;
    refreshToken = tokens?.refresh_token ?? undefined;
    if (!cookies) await keep?.(refreshToken ?? null);
    if (!tokens) return;
    // A little early: the token has to get there, too.
    expires = Date.now() + (tokens.expires_in - 15) * 1000;
    turns += 1;
  }

  /** One at a time: a refresh token is good for one use, and a second use ends the session. */
  function refresh(): Promise<void> {
    refreshing ??= refreshOnce().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  async function refreshOnce() {
    if (!cookies && !refreshToken) return;
    const body = cookies ? {} : { refresh_token: refreshToken };
    try {
      // Where an answer was lost, the same token gets the same successor again for ten seconds.
      await take(await patiently(() => answer(unsigned.POST("/api/auth/refresh", { body }))));
    } catch (why) {
      if (!(why instanceof Problem && why.status === 401)) throw why;
      await take(); // the session is over
    }
  }

  /** What says who one is, for requests that are made elsewhere; with cookies nothing has to. */
  async function headers(): Promise<Record<string, string>> {
    if (refreshToken && Date.now() > expires) await refresh();
    return accessToken ? { authorization: `Bearer ${accessToken}` } : {};
  }

  async function signed(request: Request): Promise<Request> {
    for (const [name, value] of Object.entries(await headers())) request.headers.set(name, value);
    return request;
  }

  /** Like `fetch`, signed in: after a 401 it refreshes, and asks once more. */
  async function send(request: Request): Promise<Response> {
    const again = request.clone(); // a body can be read only once
    const ready = await signed(request);
    const turn = turns;
    const response = await fetch(ready);
    if (response.status !== 401) return response;
    // While this was under way, another request may have refreshed already.
    if (turn === turns) await refresh();
    return turn === turns ? response : fetch(await signed(again));
  }

  async function signIn(login: Omit<Schemas["Login"], "session">): Promise<Schemas["User"]> {
    const body = { ...login, session: cookies ? "cookie" : "token" } as const;
    const tokens = await answer(unsigned.POST("/api/auth/login", { body }));
    await take(tokens);
    return tokens.user;
  }

  async function signOut() {
    // The access token may have expired; the refresh token says whose session it is, too.
    const body = cookies ? {} : { refresh_token: refreshToken };
    const { error, response } = await unsigned.POST("/api/auth/logout", { body });
    if (!response.ok && response.status !== 401) throw problem(error, response);
    await take();
  }

  const signedFetch: typeof globalThis.fetch = (input, init) => send(new Request(input, init));
  return { api, unsigned, fetch: signedFetch, headers, signIn, signOut };
}

/** Answers that are read as JSON. Those that are CSV as well are asked for with `parseAs: "text"`. */
type Json = "application/json" | "application/problem+json";

/** A failure, as the server tells it. Rely on `code`; the other words are for people, and may change. */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    /** The fields at fault, each with a JSON pointer into the body. */
    readonly errors: readonly Schemas["FieldFault"][],
    /** What the server's log knows the request by. */
    readonly requestId: string | null,
    /** After so many seconds it may be tried again. */
    readonly retryAfter: number | null,
  ) {
    super(`${code}: ${detail}`);
  }
}

function problem(error: unknown, response: Response): Problem {
  // What stands between here and the server may answer as well, with a page.
  const said: Partial<Schemas["Problem"]> = typeof error === "object" ? (error ?? {}) : {};
  const { code = `http_${response.status}`, title = response.statusText, detail = title, errors } = said;
  const requestId = said.request_id ?? response.headers.get("X-Request-Id");
  const wait = response.headers.get("Retry-After");
  return new Problem(response.status, code, title, detail, errors ?? [], requestId, wait === null ? null : Number(wait));
}

/** What the answer says.
 * @throws {Problem} when it is a failure
 */
export async function answer<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked;
  if (!response.ok) throw problem(error, response);
  return data as T;
}

/** The header of a change of what was seen: if somebody was faster the answer is a `stale` problem. */
export function ifMatch(seen: { version: number }) {
  return { "If-Match": `"${seen.version}"` };
}

/**
 * Sends what must happen once, until it is known that it did: the key stays the same, and so must what is sent. Whoever
 * lets somebody press the button again after a failure keeps the key, and gives it here.
 */
export function once<T>(
  send: (header: { "Idempotency-Key": string }) => Promise<T>,
  key: string = crypto.randomUUID(),
): Promise<T> {
  return patiently(() => send({ "Idempotency-Key": key }));
}

/** Tries again what can be sent twice, while the network fails or the server asks to wait a moment. */
export async function patiently<T>(send: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await send();
    } catch (why) {
      // `fetch` throws a TypeError when there is no answer.
      const wait = why instanceof Problem ? why.retryAfter : why instanceof TypeError ? tries / 2 : null;
      if (tries === 5 || wait === null || !(wait <= 10)) throw why;
      await new Promise((resume) => setTimeout(resume, wait * 1000));
    }
  }
}

/** Everything in a list, a page at a time: the next one is asked for when this one is used up. */
export async function* each<T>(
  page: (cursor: string | undefined) => Promise<{ items: T[]; next_cursor?: string | null }>,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined;
  do {
    const { items, next_cursor } = await page(cursor);
    yield* items;
    cursor = next_cursor ?? undefined;
  } while (cursor !== undefined);
}
