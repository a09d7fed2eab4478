// What the pages below /account have in common: the token out of the link, the form to the API, and the answer.
// A page says in its form where to (data-api), whether with a token (data-token), and what to say when it is
// done (data-done). Nothing is sent before somebody presses the button: what scans mails follows links too.

const form = document.querySelector("form");
const button = form.querySelector("button");
const alert = document.getElementById("alert");
const status = document.getElementById("status");
const fields = [...form.querySelectorAll("input[name]")];

let token = null;
let underWay = false;

function begin() {
  token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash !== "") {
    // It shall stay neither on the screen nor in the browser's history.
    history.replaceState(null, "", location.pathname + location.search);
  }
  clear();
  const lacksToken = "token" in form.dataset && !token;
  form.hidden = lacksToken;
  if (lacksToken) {
    alert.textContent = "This page needs the whole link from the mail. Open the link again, or copy all of it.";
  }
}

function clear() {
  alert.textContent = "";
  status.textContent = "";
  for (const field of fields) {
    field.removeAttribute("aria-invalid");
    place(field).textContent = "";
  }
}

function place(field) {
  return document.getElementById(`${field.name}-error`);
}

function filledIn() {
  const body = {};
  if ("token" in form.dataset) {
    body.token = token;
  }
  for (const field of fields) {
    // Phones like to add a space to a name or an address; in a password it may be meant.
    body[field.name] = field.autocomplete === "new-password" ? field.value : field.value.trim();
  }
  return body;
}

function done() {
  form.reset();
  hidePasswords();
  form.hidden = true;
  token = null;
  status.textContent = form.dataset.done;
  status.focus();
}

// Messages stand beside their fields, whatever is about no field of this page above them all.
function refuse(problem) {
  const elsewhere = [];
  let first = null;
  for (const { pointer, message } of problem.errors ?? []) {
    const field = fields.find(({ name }) => pointer === `/${name}`);
    if (field) {
      const beside = place(field);
      beside.textContent = `${beside.textContent} ${message}`.trim();
      field.setAttribute("aria-invalid", "true");
      first ??= field;
    } else {
      elsewhere.push(message);
    }
  }
  if (elsewhere.length > 0) {
    alert.textContent = elsewhere.join(" ");
  } else if (first) {
    alert.textContent = "Please look at what is marked.";
  } else {
    alert.textContent = problem.detail ?? "This did not work. Try again in a moment.";
  }
  first?.focus();
}

async function send() {
  const answer = await fetch(form.dataset.api, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(filledIn()),
    // The token says who it is, whoever else may be signed in here.
    credentials: "omit",
    cache: "no-store",
  });
  if (answer.ok) {
    done();
  } else {
    // Something in between, such as a proxy, may answer with no problem document.
    refuse(await answer.json().catch(() => ({})));
  }
}

function hidePasswords() {
  for (const choice of form.querySelectorAll("[data-shows]")) {
    choice.checked = false;
    document.getElementById(choice.dataset.shows).type = "password";
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (underWay) {
    return;
  }
  underWay = true;
  // Not `disabled`, which would take the focus away.
  button.setAttribute("aria-disabled", "true");
  clear();
  try {
    await send();
  } catch {
    alert.textContent = "The server cannot be reached. Try again in a moment.";
  } finally {
    underWay = false;
    button.removeAttribute("aria-disabled");
  }
});

for (const choice of form.querySelectorAll("[data-shows]")) {
  choice.addEventListener("change", () => {
    document.getElementById(choice.dataset.shows).type = choice.checked ? "text" : "password";
  });
}

// Another link opened in the same tab changes only what is behind "#", and loads nothing anew.
window.addEventListener("hashchange", () => {
  if (location.hash !== "") {
    begin();
  }
});

begin();
