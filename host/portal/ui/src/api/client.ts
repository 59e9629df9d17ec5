/** Requests to the host, and what it refuses. The only file that knows how they are authenticated. */

import { signedOut } from "../live/session.ts";

/** What is wrong with one part of a request. */
export interface Fault {
  /** A JSON pointer, or a slash and a parameter's name. */
  pointer: string;
  message: string;
}

/** A refusal of the host (RFC 9457), or that it did not answer. */
export class Problem extends Error {
  constructor(
    /** 0: there was no answer. */
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly faults: Fault[] = [],
  ) {
    super(detail);
    this.name = "Problem";
  }

  /** What is said of a part, by the beginning of its pointer. */
  at(pointer: string): string | undefined {
    return this.faults.find((fault) => fault.pointer === pointer || fault.pointer.startsWith(`${pointer}/`))
      ?.message;
  }

  get isUnreachable(): boolean {
    return this.status === 0;
  }
}

export type Query = Record<string, string | number | boolean | undefined | null>;

export interface Options {
  query?: Query;
  /** Sent as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** What a change must carry for the host to believe that this page, and not another site, asks for it. */
export const CHANGE_HEADER: [string, string] = ["Sandglass-Portal", "1"];

export function url(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") parameters.append(name, String(value));
  }
  const text = parameters.toString();
  return `/v1${path}${text && `?${text}`}`;
}

/** The answer's JSON; undefined where it has no body. */
export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const response = await send(method, path, options);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> =>
  call<T>("GET", path, { query, signal });

/** A response of success, whatever its body. */
export async function send(method: string, path: string, options: Options = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  if (method !== "GET") headers.set(...CHANGE_HEADER);
  let body: string | undefined;
  if (options.body !== undefined) {
    headers.set("Content-Type", "application/json");
    body = JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await fetch(url(path, options.query), { method, headers, body, signal: options.signal });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem(
      0,
      "unreachable",
      "The host does not answer. Is it running, and can this device reach it?",
    );
  }
  if (response.ok) return response;
  throw refused(response.status, await response.text());
}

/** Where in the JSON it stood says nothing to whom this page has written it for. */
const inWords = (message: string) => message.replace(/ at line \d+ column \d+$/, "");

/** The problem that a response tells of. */
export function refused(status: number, text: string): Problem {
  if (status === 401) signedOut();
  try {
    const document = JSON.parse(text) as { code: string; detail: string; problems?: Fault[] };
    const faults = (document.problems ?? []).map((fault) => ({ ...fault, message: inWords(fault.message) }));
    // One fault alone is the whole story, and says it without a pointer.
    const detail = faults.length === 1 ? faults[0]!.message : document.detail;
    return new Problem(status, document.code, detail, faults);
  } catch {
    // A proxy's own page, most likely.
    return new Problem(status, "unknown", `The answer was ${status}, without a word of the host's.`);
  }
}

export interface Progress {
  sent: number;
  total: number;
}

/** Sends a file, telling how far it is; `fetch` does not say. */
export function upload<T>(
  method: string,
  path: string,
  file: Blob,
  contentType: string,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url(path));
    request.setRequestHeader("Content-Type", contentType);
    request.setRequestHeader(...CHANGE_HEADER);
    request.upload.onprogress = (event) => onProgress({ sent: event.loaded, total: event.total });
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as T);
      else reject(refused(request.status, request.responseText));
    };
    request.onerror = () =>
      reject(new Problem(0, "unreachable", "The connection broke while the file was being sent. Try again."));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
