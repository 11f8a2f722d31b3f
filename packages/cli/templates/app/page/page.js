/** Asks for the job, shows how far it is, and finds it again after a reload. */
import { connect, isStreamerError } from "@streamer/client";

/** @typedef {import("@streamer/client").Client<import("@streamer/client").ActionsOf<typeof import("../src/handlers.ts").handlers>>} AppClient */
/** @typedef {ReturnType<AppClient["request"]>} Run */

const [form, bar, output] = [find("form"), find("progress"), find("output")];
const cancel = /** @type {HTMLButtonElement} */ (document.querySelector("#cancel"));
const connection = /** @type {HTMLElement} */ (document.querySelector("#connection"));

/** @type {AppClient} */
const client = connect(`${location.origin.replace(/^http/, "ws")}/streamer`, { token: fetchToken });
client.onState(({ status }) => (connection.textContent = `Connection: ${status}`));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const below = Number(new FormData(form).get("below"));
  // "async": stored before it is acknowledged, so that it outlasts this page and the server's process.
  void follow(client.request("count_primes", { below }, { mode: "async" }));
});

const kept = sessionStorage.getItem("request");
if (kept !== null) void follow(client.attach(kept));

/** @param {Run} run */
async function follow(run) {
  sessionStorage.setItem("request", run.id);
  bar.value = 0;
  output.value = "Waiting …";
  cancel.disabled = false;
  const stop = () => void run.cancel();
  cancel.addEventListener("click", stop);
  for await (const { percentage, message = "" } of run.progress) {
    bar.value = percentage;
    output.value = message;
  }
  try {
    const { primes } = await run.result;
    bar.value = 100;
    output.value = `Result: ${primes} primes`;
  } catch (error) {
    output.value = isStreamerError(error) ? `${error.code}: ${error.message}` : String(error);
  }
  cancel.removeEventListener("click", stop);
  cancel.disabled = true;
  sessionStorage.removeItem("request");
}

/** Asked again at each reconnect, so that a connection outlasts a token. */
async function fetchToken() {
  const response = await fetch("/token");
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @returns {HTMLElementTagNameMap[Name]}
 */
function find(name) {
  const element = document.querySelector(name);
  if (!element) throw new Error(`The page has no <${name}>.`);
  return element;
}
