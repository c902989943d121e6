// Live: a page that shows workers asks for them again and again, and shows what it is told.
// Without this script the page shows what the server saw, and a link to look again.

const SOON = 500; // milliseconds between two looks while a change travels
const LATER = 5000; // after a minute of that, and after an answer that failed
const FLEET = 2000; // while the fleet is watched
const HURRY = 60000;
const PATIENCE = 5000; // for one answer

class Refused extends Error {}

async function asked(url) {
  const answer = await fetch(url, {
    headers: { Accept: "application/json" },
    cache: "no-store",
    redirect: "manual", // to a login page, say
    signal: AbortSignal.timeout(PATIENCE),
  });
  if (answer.type === "opaqueredirect" || (answer.status >= 400 && answer.status < 500)) {
    throw new Refused();
  }
  if (!answer.ok) throw new Error(`the answer was ${answer.status}`);
  return answer.json();
}

// --- rows ---------------------------------------------------------------------------------------

function put(row, name, text) {
  const place = row.querySelector(`[data-is="${name}"]`);
  const shown = text === null || text === undefined ? "" : String(text);
  if (place && place.textContent !== shown) place.textContent = shown;
  return place;
}

function show(within, name, shown) {
  for (const place of within.querySelectorAll(`[data-if="${name}"]`)) place.hidden = !shown;
}

function badge(row, name, word) {
  const place = put(row, name, word);
  if (place) place.className = /^[a-z]+$/.test(word) ? `badge ${word}` : "badge";
}

function since(row, moment) {
  const text = moment.replace(/^(\d+-\d+-\d+)T(\d+:\d+).*$/, "$1 $2 UTC");
  const place = put(row, "since", text);
  if (place) place.dateTime = moment;
}

// Rows stay where they are while their worker lives, so that nothing jumps under a reader.
function rows(live, workers, fill) {
  const body = live.querySelector("tbody");
  const known = new Map([...body.rows].map((row) => [row.dataset.id, row]));
  for (const worker of workers) {
    let row = known.get(worker.id);
    known.delete(worker.id);
    if (!row) {
      row = live.querySelector("template").content.firstElementChild.cloneNode(true);
      row.dataset.id = worker.id;
      body.append(row);
    }
    for (const name of ["host", "pid", "revision"]) put(row, name, worker[name]);
    fill(row, worker);
  }
  for (const row of known.values()) row.remove();
}

// --- what is watched ----------------------------------------------------------------------------

function change(live, told) {
  const groups = ["rejected", "pending", "applied"];
  const workers = groups.flatMap((group) => told[group].map((worker) => ({ ...worker, group })));
  rows(live, workers, (row, worker) => {
    badge(row, "group", worker.group);
    put(row, "reason", worker.group === "rejected" ? worker.reason : "");
  });
  const counts = { all: workers.length };
  for (const group of groups) counts[group] = told[group].length;
  for (const place of live.querySelectorAll("[data-count]")) {
    place.textContent = String(counts[place.dataset.count]);
  }
  show(live, "rejected", counts.rejected > 0);
  show(live, "pending", counts.pending > 0);
  const bar = live.querySelector("progress");
  bar.max = Math.max(1, counts.all);
  bar.value = counts.applied;
  if (counts.pending > 0) return { done: false, said: "" };
  const rejected = counts.rejected > 0 ? ` ${counts.rejected} rejected it.` : "";
  const said =
    counts.applied === counts.all
      ? "Every worker shows this change."
      : `${counts.applied} of ${counts.all} workers show this change.${rejected}`;
  return { done: true, said };
}

function fleet(live, told) {
  const newest = Math.max(...told.workers.map((worker) => worker.revision));
  rows(live, told.workers, (row, worker) => {
    for (const name of ["server", "version", "model"]) put(row, name, worker[name]);
    badge(row, "state", worker.state);
    since(row, worker.since);
    const refused = worker.rejected_revision;
    put(row, "refused", refused === null ? "" : `revision ${refused}: ${worker.reason ?? ""}`);
    show(row, "me", worker.id === live.dataset.me);
    show(row, "behind", worker.revision < newest);
    show(row, "other", worker.model !== live.dataset.model);
  });
  return { done: false, said: "" };
}

const KINDS = { change, fleet };

function watch(live) {
  const kind = live.dataset.live;
  const place = live.querySelector("[data-said]");
  const began = performance.now();
  let timer = 0;
  let asking = false;
  let over = false;

  // What only repeats what the page shows is for those who do not see it.
  function say(text, repeats) {
    place.classList.toggle("unseen", repeats);
    if (place.textContent !== text) place.textContent = text;
  }

  function pause(failed) {
    if (failed || (kind === "change" && performance.now() - began > HURRY)) return LATER;
    return kind === "change" ? SOON : FLEET;
  }

  async function look() {
    if (asking || over || document.hidden) return;
    asking = true;
    let failed = false;
    try {
      const { done, said } = KINDS[kind](live, await asked(live.dataset.url));
      over = done;
      say(said, true);
    } catch (error) {
      failed = true;
      over = error instanceof Refused;
      say(
        over
          ? "The workers may not be asked any more: load the page again."
          : "The workers cannot be asked at the moment. What you see is what was known last.",
        false,
      );
    }
    asking = false;
    if (!over) timer = setTimeout(look, pause(failed));
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    look();
  });
  for (const hint of live.querySelectorAll("[data-without-script]")) hint.hidden = true;
  look();
}

for (const live of document.querySelectorAll("[data-live]")) watch(live);
