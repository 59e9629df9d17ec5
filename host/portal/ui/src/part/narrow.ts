/** Whether the window is too narrow for rows with columns. The style sheet has the same number. */

import { signal } from "@preact/signals";

const query = matchMedia("(max-width: 760px)");
const isNarrow = signal(query.matches);
query.addEventListener("change", () => (isNarrow.value = query.matches));

export const useNarrow = (): boolean => isNarrow.value;
