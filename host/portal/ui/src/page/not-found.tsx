import { Empty } from "../part/message.tsx";

export function NotFoundPage() {
  return (
    <Empty icon="search" isPage title="There is nothing here">
      <p>The address may be misspelt, or what it showed is gone.</p>
      <a class="button" href="/">
        To the jobs
      </a>
    </Empty>
  );
}
