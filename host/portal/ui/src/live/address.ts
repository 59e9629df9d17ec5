/** What a list was asked for stands in the page's address: the way back to it, and a link to it, show the same. */

import { useEffect, useState } from "preact/hooks";

/** The parameters of the address, as text; setting one leaves no trace in the history. `initial` is a constant. */
export function useAddress<T extends Record<string, string>>(
  initial: T,
): [value: T, change: (part: Partial<T>) => void] {
  const [value, setValue] = useState<T>(() => {
    const parameters = new URLSearchParams(location.search);
    const read = Object.entries(initial).map(([name, fallback]) => [name, parameters.get(name) ?? fallback]);
    return Object.fromEntries(read) as T;
  });
  useEffect(() => {
    // A link to the page as it begins, on that very page, changes no path: nothing is drawn anew.
    const follow = (event: MouseEvent) => {
      const link = (event.target as Element).closest?.("a");
      if (link?.pathname === location.pathname && link.search === "") setValue(initial);
    };
    addEventListener("click", follow);
    return () => removeEventListener("click", follow);
  }, [initial]);
  const change = (part: Partial<T>) => {
    const after = { ...value, ...part };
    const told = Object.entries(after).filter(([name, text]) => text !== initial[name]);
    const text = new URLSearchParams(told).toString();
    history.replaceState(history.state, "", location.pathname + (text && `?${text}`));
    setValue(after);
  };
  return [value, change];
}
