// Asking the server: posts that carry the page's token, and fragments of HTML.

/** Post fields as a form; the answer as {ok, status, detail, data}. Rejects when there is no connection. */
export async function post(url, fields = {}, headers = {}) {
  const body = fields instanceof FormData ? new URLSearchParams(fields) : new URLSearchParams(Object.entries(fields));
  const answer = await fetch(url, {
    method: "POST",
    body,
    headers: { Accept: "application/json", "X-CSRFToken": token(), ...headers },
  });
  const data = await answer.json().catch(() => ({}));
  const refused = answer.status === 403 ? "You were signed out. Reload the page." : "That did not work. Try again.";
  return { ok: answer.ok, status: answer.status, detail: data.detail ?? refused, data };
}

/** A fragment rendered by the server, as inert nodes. Rejects when it is refused. */
export async function fragment(url) {
  const answer = await fetch(url, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) throw new Error(`${answer.status} ${url}`);
  return nodes(await answer.text());
}

/** HTML that our server rendered (and sanitised), as inert nodes. */
export function nodes(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

/** A key that makes posting the same thing twice harmless; also where the page is not a secure context. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function token() {
  return document.querySelector("#act [name=csrfmiddlewaretoken]").value;
}
