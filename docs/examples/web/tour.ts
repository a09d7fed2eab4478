/**
 * A tour of a club, with the client of this folder: `npm run tour -- ADDRESS EMAIL PASSWORD`. Whoever signs in with these
 * is its admin. The club is one to try things with, without a mail server: the tour leaves people and entries behind.
 * Each line says what was done; where the server does something else, the tour stops.
 */
import assert from "node:assert/strict";
import { losingAnAnswerTo, NodeWebSocket, Page, soon } from "./browser.js";
import { Chat } from "./chat.js";
import { answer, connect, each, ifMatch, type Muster, once, Problem, type Schemas } from "./client.js";

const [address, email, password] = process.argv.slice(2);
assert(address && email && password, "npm run tour -- ADDRESS EMAIL PASSWORD");
const base = new URL(address).origin;

const chapter = (title: string) => console.log(`\n${title}`);
const done = (line: string) => console.log(`  ${line}`);

/** The problem that something comes to. */
async function refused(asked: Promise<unknown>): Promise<Problem> {
  const why = await asked.then(
    () => assert.fail("This was not refused."),
    (why: unknown) => why,
  );
  if (why instanceof Problem) return why;
  throw why;
}

chapter("Coming in");

const admin = connect({ base });
const wrong = await refused(admin.signIn({ email, password: `not ${password}` }));
assert.equal(wrong.code, "bad_credentials");
assert.equal((await admin.signIn({ email, password })).role, "admin");
done("The admin signs in, and nobody does with a wrong password.");

// Whoever came on an earlier tour may still be there.
const addressOf = (name: string) => `${name}.${Date.now().toString(36)}@example.org`;
const anna = { email: addressOf("anna"), password: "violet kettle harbour" };
const carla = { email: addressOf("carla"), password: "copper lantern meadow" };

async function register(first_name: string, who: typeof anna) {
  const body = { ...who, first_name, last_name: "Example", date_of_birth: "1990-05-17" };
  return answer(admin.unsigned.POST("/api/auth/register", { body }));
}

assert.equal((await register("Anna", anna)).verification, "sent");
assert.equal((await register("Carla", carla)).verification, "sent");
done("Anna and Carla register.");

const faults = await refused(register("", { email: "no address", password: "short" }));
assert.equal(faults.code, "invalid_fields");
assert.deepEqual(faults.errors.map((fault) => fault.pointer).sort(), ["/email", "/first_name", "/password"]);
done(`Somebody else hears what is wrong: ${faults.errors.map((fault) => fault.pointer).join(", ")}.`);

/** Finds somebody who registered, and approves what was seen. */
async function approve(who: typeof anna): Promise<Schemas["Member"]> {
  const query = { q: who.email, status: "pending" } as const;
  const { items } = await answer(admin.api.GET("/api/members", { params: { query } }));
  const [member] = items;
  assert(member && items.length === 1);
  const params = { path: { id: String(member.id) }, header: ifMatch(member) };
  return answer(admin.api.POST("/api/members/{id}/approve", { params, body: {} }));
}

const member = await approve(anna);
const coach = await approve(carla);
assert.deepEqual([member.status, coach.status], ["active", "active"]);
const theirs = { id: String(member.id) };
done("The admin finds them, and approves them.");

const roles = { params: { path: { id: String(coach.id) } }, body: { roles: ["coach" as const] } };
assert.deepEqual((await answer(admin.api.PUT("/api/users/{id}/roles", roles))).roles, ["member", "coach"]);
done("Carla becomes a coach.");

chapter("A page, and an app");

const page = new Page(base);
const annas = connect({ base, cookies: true, fetch: page.fetch });
await annas.signIn(anna);
const seen = await answer(annas.api.GET("/api/members/{id}", { params: { path: { id: "me" } } }));
assert.equal(seen.id, member.id);
done("Anna signs in on a page, with cookies that it cannot read.");

const elsewhere = new Page("http://elsewhere.example");
page.cookies.forEach((value, name) => elsewhere.cookies.set(name, value));
const forged = connect({ base, cookies: true, fetch: elsewhere.fetch });
const leave = { params: { path: theirs }, body: {} };
assert.equal((await refused(answer(forged.api.POST("/api/members/{id}/leave", leave)))).code, "cross_site");
done("A page of another site cannot act for her.");

// What a browser does with a cookie that has expired.
page.cookies.delete("muster_access");
page.asked.length = 0;
const phoneNumber = { params: { path: { id: "me" } }, body: { phone: "+49 30 123456" } };
const atOnce = Array.from({ length: 4 }, () => answer(annas.api.GET("/api/club")));
await Promise.all([...atOnce, answer(annas.api.PATCH("/api/members/{id}", phoneNumber))]);
assert.equal(page.asked.filter((what) => what === "POST /api/auth/refresh").length, 1);
done("Her access expires; five requests at once, a change among them, refresh it once.");

const kept: (string | null)[] = [];
const phone = connect({ base, keep: (token) => void kept.push(token) });
await phone.signIn(carla);
const refreshToken = kept.at(-1);
assert(refreshToken);
const carlas = connect({ base, refreshToken, keep: (token) => void kept.push(token) });
await Promise.all(Array.from({ length: 5 }, () => answer(carlas.api.GET("/api/club"))));
assert.equal(kept.length, 2);
done("Carla signs in on a phone. The app is opened again: one refresh token, used once, and the next one kept.");

const money = { params: { path: theirs } };
assert.equal((await refused(answer(carlas.api.GET("/api/members/{id}/payments", money)))).code, "not_found");
done("What others pay is not there for her.");

chapter("Money");

const shirt = { amount: 2500, account: "dues", text: "Shirt" };
const charge = await once((header) =>
  answer(admin.api.POST("/api/members/{id}/charges", { params: { path: theirs, header }, body: shirt })),
);
assert.equal(charge.open, 2500);
done("Anna is charged 25.00 for a shirt.");

const shaky = connect({ base, fetch: losingAnAnswerTo(/\/payments$/) });
await shaky.signIn({ email, password });
const inCash = { amount: 2500, method: "cash" as const };
const sent: string[] = [];
const paid = await once((header) => {
  sent.push(header["Idempotency-Key"]);
  return answer(shaky.api.POST("/api/members/{id}/payments", { params: { path: theirs, header }, body: inCash }));
});
const [key] = sent;
assert(key && sent.length === 2 && new Set(sent).size === 1);
assert.deepEqual(paid.allocations, [{ charge_id: charge.id, amount: 2500 }]);
done("She pays. The answer is lost on the way, and the payment sent again under the same key.");

const again = { path: theirs, header: { "Idempotency-Key": key } };
const replayed = await admin.api.POST("/api/members/{id}/payments", { params: again, body: inCash });
assert.equal(replayed.response.headers.get("Idempotency-Replayed"), "true");
assert.equal(replayed.data?.id, paid.id);
const other = admin.api.POST("/api/members/{id}/payments", { params: again, body: { ...inCash, amount: 1 } });
assert.equal((await refused(answer(other))).code, "idempotency_key_reused");
assert.equal((await answer(admin.api.GET("/api/members/{id}/payments", money))).items.length, 1);
const statement = await answer(annas.api.GET("/api/members/{id}/statement", { params: { path: { id: "me" } } }));
assert.deepEqual([statement.lines.map((line) => line.amount), statement.balance], [[2500, -2500], 0]);
done("However often it is sent, it is one payment, and she owes nothing.");

const csv = { params: { path: theirs, query: { format: "csv" as const } }, parseAs: "text" as const };
assert.match(await answer(annas.api.GET("/api/members/{id}/statement", csv)), /Shirt/);
done("Her statement is a table, too.");

chapter("Plans");

const plan = await answer(
  admin.api.POST("/api/plans", { body: { name: `Adults ${Date.now()}`, price: 3000, every: "month", grace_days: 14 } }),
);
const change = (header: ReturnType<typeof ifMatch>, price: number) =>
  answer(admin.api.PATCH("/api/plans/{id}", { params: { path: { id: plan.id }, header }, body: { price } }));
const changed = await change(ifMatch(plan), 3200);
const stale = await refused(change(ifMatch(plan), 3100));
assert.deepEqual([stale.status, stale.code, stale.title], [412, "stale", "Changed meanwhile"]);
assert.equal((await answer(admin.api.GET("/api/plans/{id}", { params: { path: { id: plan.id } } }))).price, 3200);
assert.equal((await change(ifMatch(changed), 3100)).price, 3100);
done(`Two change a plan at once. The second one hears: ${stale.detail}`);

chapter("Classes");

const inThreeDays = new Date(Date.now() + 3 * 24 * 3600 * 1000).toISOString().slice(0, 10);
const yoga = {
  class_title: "Yoga for beginners",
  duration_minutes: 60,
  location: "Hall 2",
  capacity: 12,
  fee: 800,
  rrule: "FREQ=WEEKLY;COUNT=5",
  local_start: `${inThreeDays}T19:00:00`,
};
const series = await answer(carlas.api.POST("/api/class-series", { body: yoga }));
assert.equal(series.coach_id, coach.id);

/** Her classes, so many a page. */
async function sessions(who: Muster, limit: number): Promise<Schemas["Class"][]> {
  const found = [];
  const query = { series_id: series.id, limit };
  for await (const session of each((cursor) =>
    answer(who.api.GET("/api/classes", { params: { query: { ...query, cursor } } })),
  )) {
    found.push(session);
  }
  return found;
}

page.asked.length = 0;
const inPages = await sessions(annas, 2);
assert.equal(inPages.length, 5);
assert.equal(page.asked.length, 3);
assert.deepEqual(inPages, await sessions(annas, 100));
done("Carla plans yoga on five evenings; Anna reads the timetable, two classes a page.");

const [first] = inPages;
assert(first);
const book = () =>
  once((header) =>
    answer(annas.api.POST("/api/classes/{id}/bookings", { params: { path: { id: first.id }, header }, body: {} })),
  );
const booking = await book();
assert.equal(booking.status, "booked");
assert.equal((await refused(book())).code, "already_booked");
const mine = async () => {
  const query = { mine: true, series_id: series.id };
  return (await answer(annas.api.GET("/api/classes", { params: { query } }))).items;
};
assert.deepEqual((await mine()).map((it) => it.my_booking?.id), [booking.id]);
done("She books the first one, which is among hers now.");

const ofBooking = { path: { id: booking.id } };
const quote = await answer(annas.api.GET("/api/bookings/{id}/cancellation-quote", { params: ofBooking }));
assert.deepEqual([quote.outcome, quote.fee], ["cancelled", 0]);
done(`Cancelling it is free of charge until ${quote.free_until}.`);

const cancelled = await once((header) =>
  answer(annas.api.POST("/api/bookings/{id}/cancel", { params: { ...ofBooking, header }, body: {} })),
);
assert.equal(cancelled.status, "cancelled");
assert.deepEqual(await mine(), []);
done("She cancels.");

chapter("Chat");

const room = await answer(carlas.api.POST("/api/rooms", { body: { kind: "channel", room_name: "Tournament" } }));
const ofRoom = { params: { path: { id: room.id } } };
await answer(annas.api.POST("/api/rooms/{id}/join", ofRoom));
done("Carla opens a room, and Anna joins it.");

/** What Anna hears is waited for in the order in which it comes. */
const heard: string[] = [];
let hear = () => {};
const hasHeard = (...all: string[]) =>
  soon(
    `Anna hears ${all.join(", ")}`,
    new Promise<void>((resolve) => {
      hear = () => heard.length >= all.length && resolve();
      hear();
    }),
  ).then(() => assert.deepEqual(heard, all));

// A page's sockets come with its cookies; an app takes a ticket.
const annasChat = new Chat({
  base,
  fetch: annas.fetch,
  WebSocket: page.WebSocket,
  onEvent: ({ event, message }) => {
    if (event !== "message.created") return;
    heard.push(message?.content ?? "");
    hear();
  },
});
const carlasChat = new Chat({ base, headers: carlas.headers, WebSocket: NodeWebSocket, onEvent: () => {} });
annasChat.join(room.id);
annasChat.start();
carlasChat.start();

const spoken = await soon("Carla's message is kept", carlasChat.send(room.id, { content: "See you on Tuesday!" }));
assert.equal(spoken.duplicate, false);
await hasHeard("See you on Tuesday!");
done("Carla writes over a socket, and Anna hears it.");

annasChat.stop();
await soon("Carla's next message is kept", carlasChat.send(room.id, { content: "Bring a mat." }));
await soon("and one more", carlasChat.send(room.id, { content: "And water." }));
// As frameworks do that make a component twice to try it.
annasChat.start();
annasChat.stop();
annasChat.start();
await hasHeard("See you on Tuesday!", "Bring a mat.", "And water.");
assert.equal(page.asked.filter((what) => what === "SOCKET").length, 2);
done("She is away for a while, and hears what she missed: once, and in order.");

annasChat.stop();
carlasChat.stop();

chapter("Going");

for (const who of [annas, carlas, shaky, admin]) {
  await who.signOut();
  assert.equal((await refused(answer(who.api.GET("/api/club")))).code, "unauthenticated");
}
assert.equal(page.cookies.size, 0);
assert.equal(kept.at(-1), null);
done("Everybody signs out.");
