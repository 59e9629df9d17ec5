/** What stands around every page, and which page stands at which path. */

import { LocationProvider, Route, Router, useLocation } from "preact-iso";
import { useEffect, useRef, useState } from "preact/hooks";
import { getSession, signOut } from "./api/host.ts";
import { forgetDrafts } from "./live/draft.ts";
import { isConnected, isListening, startEvents } from "./live/events.ts";
import { attempt } from "./live/notice.ts";
import { problemOf } from "./live/resource.ts";
import { session } from "./live/session.ts";
import { nextTheme, theme } from "./live/theme.ts";
import { AREAS, areaOf, titleOf } from "./navigation.ts";
import { CreatePage } from "./page/create.tsx";
import { EmailPage } from "./page/email.tsx";
import { HostPage } from "./page/host.tsx";
import { JobPage } from "./page/job.tsx";
import { JobsPage } from "./page/jobs.tsx";
import { NotFoundPage } from "./page/not-found.tsx";
import { OutboxPage } from "./page/outbox.tsx";
import { RunPage } from "./page/run.tsx";
import { RunsPage } from "./page/runs.tsx";
import { AccessPage } from "./page/access.tsx";
import { SecretsPage } from "./page/secrets.tsx";
import { SignIn } from "./page/sign-in.tsx";
import { TablePage } from "./page/table.tsx";
import { TablesPage } from "./page/tables.tsx";
import { UpcomingPage } from "./page/upcoming.tsx";
import { Icon, type IconName } from "./part/icon.tsx";
import { Keyboard } from "./part/keyboard.tsx";
import { Mark } from "./part/mark.tsx";
import { ProblemNote } from "./part/message.tsx";
import { Notices } from "./part/notices.tsx";
import type { Problem } from "./api/client.ts";

export function App() {
  const [problem, setProblem] = useState<Problem>();
  const look = () => {
    setProblem(undefined);
    getSession().then(
      (found) => (session.value = found),
      (error: unknown) => {
        // Without a session the sign-in page stands here already.
        if (session.peek() === "unknown") setProblem(problemOf(error));
      },
    );
  };
  useEffect(look, []);
  if (session.value === null) return <SignIn />;
  if (session.value === "unknown") {
    return problem ? (
      <main class="sign-in">
        <ProblemNote problem={problem} retry={look} />
      </main>
    ) : null;
  }
  return (
    <LocationProvider>
      <Shell />
    </LocationProvider>
  );
}

/** Longest that pages wait for the stream of changes before they read without it. */
const LISTEN_WITHIN_MS = 800;

function Shell() {
  const { path } = useLocation();
  const main = useRef<HTMLElement>(null);
  const [isPatient, setPatient] = useState(true);
  useEffect(startEvents, []);
  useEffect(() => {
    const timer = setTimeout(() => setPatient(false), LISTEN_WITHIN_MS);
    return () => clearTimeout(timer);
  }, []);
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = titleOf(path);
    // Whoever cannot see the page is told that it is another one.
    if (!isFirst.current) main.current?.focus({ preventScroll: true });
    isFirst.current = false;
    scrollTo(0, 0);
  }, [path]);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <Sidebar path={path} />
      <main id="main" ref={main} tabIndex={-1}>
        {!isConnected.value && (
          <div class="note warn banner" role="status">
            <Icon name="warning" />
            <p>
              The host does not answer. What is shown may be out of date; this page goes on by itself once it
              does.
            </p>
          </div>
        )}
        {(isListening.value || !isPatient) && <Pages />}
      </main>
      <Notices />
      <Keyboard />
    </div>
  );
}

function Pages() {
  return (
    <Router>
      <Route path="/" component={JobsPage} />
      <Route path="/create" component={CreatePage} />
      <Route path="/jobs/:name/:tab?" component={JobPage} />
      <Route path="/runs" component={RunsPage} />
      <Route path="/runs/:id" component={RunPage} />
      <Route path="/upcoming" component={UpcomingPage} />
      <Route path="/tables" component={TablesPage} />
      <Route path="/tables/:name" component={TablePage} />
      <Route path="/outbox" component={OutboxPage} />
      <Route path="/outbox/:id" component={EmailPage} />
      <Route path="/secrets" component={SecretsPage} />
      <Route path="/access" component={AccessPage} />
      <Route path="/host" component={HostPage} />
      <Route default component={NotFoundPage} />
    </Router>
  );
}

const THEME_ICONS: Record<string, IconName> = { system: "half", light: "sun", dark: "moon" };

function Sidebar({ path }: { path: string }) {
  const here = areaOf(path);
  const leave = async () => {
    await attempt(signOut);
    forgetDrafts();
    session.value = null;
  };
  return (
    <header class="sidebar">
      <a class="brand" href="/" aria-label="Sandglass, jobs">
        <Mark />
        <span>Sandglass</span>
      </a>
      <nav aria-label="Areas">
        {AREAS.map((area) => (
          <a key={area.path} href={area.path} aria-current={area === here ? "page" : undefined}>
            <Icon name={area.icon} />
            <span>{area.name}</span>
          </a>
        ))}
      </nav>
      <div class="sidebar-foot">
        <button type="button" class="plain" data-palette>
          <Icon name="search" />
          <span>Go to …</span>
          <kbd>Ctrl K</kbd>
        </button>
        <button
          type="button"
          class="plain"
          onClick={() => (theme.value = nextTheme())}
          title={`Colours: ${theme.value}`}
        >
          <Icon name={THEME_ICONS[theme.value]!} />
          <span>Colours: {theme.value}</span>
        </button>
        <button type="button" class="plain" onClick={leave} title="Sign out">
          <Icon name="out" />
          <span>Sign out</span>
        </button>
      </div>
    </header>
  );
}
