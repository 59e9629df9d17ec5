/** Components: what jobs are made of. */

import { Problem, get, upload, type Progress } from "./client.ts";
import type { Component } from "./types.ts";

export const getComponent = (digest: string, signal?: AbortSignal) =>
  get<Component>(`/components/${digest}`, {}, signal);

/** Those that are kept, by digest. */
export async function getComponents(
  digests: string[],
  signal?: AbortSignal,
): Promise<Map<string, Component>> {
  const found = await Promise.all(
    digests.map((digest) =>
      getComponent(digest, signal).catch((error: unknown) => {
        if (error instanceof Problem && error.status === 404) return undefined;
        throw error;
      }),
    ),
  );
  return new Map(found.flatMap((component) => (component ? [[component.digest, component]] : [])));
}

export const uploadComponent = (file: Blob, onProgress: (progress: Progress) => void, signal: AbortSignal) =>
  upload<Component>("POST", "/components", file, "application/wasm", onProgress, signal);
