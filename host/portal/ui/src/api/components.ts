/** Components: what jobs are made of. */

import { get, upload, type Progress } from "./client.ts";
import type { Component } from "./types.ts";

export const getComponent = (digest: string, signal?: AbortSignal) =>
  get<Component>(`/components/${digest}`, {}, signal);

export const uploadComponent = (file: Blob, onProgress: (progress: Progress) => void, signal: AbortSignal) =>
  upload<Component>("POST", "/components", file, "application/wasm", onProgress, signal);
