// Requests to the console itself: with the token that its forms have too, and its refusals as errors.

export const token = () => document.querySelector('meta[name="csrf-token"]').content;

export class Refused extends Error {
  /** What the console said: a status of HTTP, a title, and what would help. */
  constructor(status, title, text) {
    super(text ? `${title}. ${text}` : title);
    Object.assign(this, { status, title, text });
  }
}

/** Ask for JSON, or send it. Throws `Refused`, and what `fetch` throws where the console cannot be reached. */
export async function call(path, body, options = {}) {
  const headers = { accept: "application/json" };
  if (body !== undefined) Object.assign(headers, { "content-type": "application/json", "x-csrf-token": token() });
  const answer = await fetch(path, {
    method: body === undefined ? "GET" : "POST",
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    ...options,
  });
  const said = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, said.title, said.text);
  return said;
}
