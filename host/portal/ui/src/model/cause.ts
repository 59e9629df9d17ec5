/** Why runs fail, as the API names it. */

/** Those after which a job's policy may try again. */
export const RETRIED = [
  "error",
  "denied",
  "trap",
  "out-of-fuel",
  "out-of-memory",
  "stack-overflow",
  "timeout",
  "quota",
];

/** All of them: the last ones are tried again whatever the policy says. */
export const CAUSES = [...RETRIED, "conflict", "host-error", "lost"];
