/** The sandglass. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path
        class="mark-glass"
        d="M8 4h16M8 28h16M10 4v4c0 4 4.5 5.5 4.5 8S10 20 10 24v4M22 4v4c0 4-4.5 5.5-4.5 8s4.5 4 4.5 8v4"
      />
      <path
        class="mark-sand"
        d="M12 9.5h8c-.8 2.5-3.6 3.6-4 6-.4-2.4-3.2-3.5-4-6zM11.6 26.5c.4-3 2.9-3.5 4.4-5.5 1.500 2 4 2.500 4.4 5.5z"
      />
    </svg>
  );
}
