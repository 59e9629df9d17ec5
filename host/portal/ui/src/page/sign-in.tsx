/** Where one proves to be somebody: with a token, or with the link that the host printed. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import { signIn } from "../api/host.ts";
import { problemOf } from "../live/resource.ts";
import { session } from "../live/session.ts";
import { Mark } from "../part/mark.tsx";
import { Field } from "../part/field.tsx";

const LINK = /^#sign-in=([\w-]+)$/;

/** The code of the link that led here. It is taken out of the address at once: it is of use only once. */
function takeCode(): string | undefined {
  const code = LINK.exec(location.hash)?.[1];
  if (code) history.replaceState(null, "", location.pathname + location.search);
  return code;
}

export function SignIn() {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  // There is nothing else to do here.
  useEffect(() => field.current?.focus(), []);

  const enter = async (proof: Parameters<typeof signIn>[0]) => {
    setBusy(true);
    setProblem(undefined);
    try {
      session.value = await signIn(proof);
    } catch (error) {
      setProblem(problemOf(error));
      setBusy(false);
    }
  };
  useEffect(() => {
    const follow = () => {
      const code = takeCode();
      if (code) void enter({ code });
    };
    follow();
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);

  const submit = (event: Event) => {
    event.preventDefault();
    void enter({ token: token.trim() });
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={submit}>
        <Mark />
        <h1>Sign in to Sandglass</h1>
        <p class="muted">
          The host keeps a token in the file <code>token</code> of its data folder, and prints a link for one
          sign-in whenever it starts.
        </p>
        <Field label="Token" error={problem?.message}>
          {(attributes) => (
            <input
              ref={field}
              type="password"
              {...attributes}
              autocomplete="current-password"
              placeholder="sgl_…"
              required
              value={token}
              onInput={(event) => setToken(event.currentTarget.value)}
            />
          )}
        </Field>
        <button type="submit" class="primary" disabled={isBusy || !token.trim()}>
          {isBusy ? "Signing in …" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
