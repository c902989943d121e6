// Settings: what the form does better with scripts. Without them it does all the same.

import { itemised } from "./items.js";

const form = document.getElementById("settings");
document.getElementById("faults")?.focus();
if (form) begin();
keeping(document.getElementById("review"));

function begin() {
  const rows = [...form.querySelectorAll(".setting")].map((element) => ({
    element,
    name: element.id.slice(2),
    flags: element.dataset.flags.split(" "),
    touched: element.classList.contains("touched"),
    controls: [...element.querySelectorAll("[name^='v.']:not([type=hidden]), [name^='n.']")],
    text: null,
  }));
  const byElement = new Map(rows.map((row) => [row.element, row]));
  const status = document.getElementById("count");
  const say = announcer();

  const changes = marking(rows, byElement);
  for (const area of form.querySelectorAll("textarea[data-kind=lines][name]")) itemised(area, say);
  changes.show();
  searching(rows, byElement, status);
  sending(rows, changes);
  polling(changes);
}

// --- what was typed --------------------------------------------------------------------------

function differs(control) {
  if (control.type === "checkbox") return control.checked !== control.defaultChecked;
  if (control.tagName === "SELECT") {
    const options = [...control.options];
    const before = options.findIndex((option) => option.defaultSelected);
    return control.selectedIndex !== Math.max(before, 0);
  }
  return control.value !== control.defaultValue;
}

function marking(rows, byElement) {
  const edited = new Set();
  const button = document.getElementById("go");
  const changes = {
    has: (row) => row.touched || edited.has(row),
    any: () => edited.size > 0 || rows.some((row) => row.touched),
    show() {
      const count = rows.filter(changes.has).length;
      button.textContent = count ? `Review ${count} change${count === 1 ? "" : "s"}` : "Review changes";
    },
  };

  function look(row) {
    const is = row.controls.some(differs);
    if (is === edited.has(row)) return;
    edited[is ? "add" : "delete"](row);
    row.element.classList.toggle("edited", is);
    changes.show();
  }

  form.addEventListener("input", (event) => {
    const row = byElement.get(event.target.closest(".setting"));
    if (!row) return;
    const none = row.controls.find((control) => control.name.startsWith("n."));
    const typed = event.target !== none && event.target.value;
    if (none?.checked && typed && event.target.type !== "hidden" && differs(event.target)) none.checked = false;
    look(row);
  });
  rows.forEach(look); // a browser may have kept what was typed before
  return changes;
}

// --- search ----------------------------------------------------------------------------------

function searching(rows, byElement, status) {
  const search = document.getElementById("search");
  const query = document.getElementById("q");
  const show = document.getElementById("show");
  const groups = [...form.querySelectorAll(".group")].reverse();
  const total = rows.length;
  let shown = total;
  for (const needless of search.querySelectorAll("button, a, .needless")) needless.hidden = true;

  function textOf(row) {
    // Prepared at the first search: the names and descriptions do not change, what is typed may.
    row.text ??= `${row.name}\n${row.element.querySelector(".about").textContent}\n${row.element.querySelector(".facts").textContent}`.toLowerCase();
    return row.text;
  }

  function fits(row, words, flag) {
    if (flag !== "all" && !row.flags.includes(flag)) return false;
    return words.every((word) => textOf(row).includes(word) || valueOf(row).includes(word));
  }

  function apply() {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const flag = show.value;
    const keep = rows.map((row) => fits(row, words, flag)); // first all reading, then all writing
    shown = 0;
    rows.forEach((row, at) => {
      row.element.hidden = !keep[at];
      shown += keep[at];
    });
    for (const group of groups) {
      group.hidden = !group.querySelector(":scope > .rows > .setting:not([hidden]), :scope > .group:not([hidden])");
    }
    document.querySelector(".unfit")?.remove(); // the count says it
    const all = `${total} setting${total === 1 ? "" : "s"}`;
    status.textContent = shown === total ? all : `${shown} of ${all}`;
  }

  query.addEventListener("input", apply);
  show.addEventListener("change", apply);
  search.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });
  form.addEventListener(
    "invalid",
    (event) => {
      const row = byElement.get(event.target.closest(".setting"));
      if (!row?.element.hidden) return;
      query.value = ""; // the browser cannot point to what is hidden
      show.value = "all";
      apply();
    },
    true,
  );
  if (query.value !== "" || show.value !== "all") apply(); // as it was asked for, or kept by a browser
}

function valueOf(row) {
  const [control] = row.controls;
  if (!control || control.type === "checkbox" || row.flags.includes("secret")) return "";
  return control.value.toLowerCase();
}

// --- sending ---------------------------------------------------------------------------------

function sending(rows, changes) {
  let pressed = null;
  const sent = once(form);

  form.addEventListener("submit", (event) => {
    pressed = event.submitter?.name ? event.submitter.value : null;
  });

  // Only what was changed is sent: for the server the rest is as it is.
  form.addEventListener("formdata", (event) => {
    for (const row of rows) {
      if (changes.has(row) || row.name === pressed) continue;
      for (const control of row.element.querySelectorAll("[name]:not(button)")) event.formData.delete(control.name);
    }
  });

  window.addEventListener("beforeunload", (event) => {
    if (!sent.leaving && changes.any()) event.preventDefault();
  });
}

/** Let a form be sent once, and again a while later: nobody tells when Escape stopped it. */
function once(sent) {
  const state = { leaving: false };
  const stay = () => {
    state.leaving = false;
  };
  sent.addEventListener("submit", (event) => {
    if (state.leaving) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    state.leaving = true;
    setTimeout(stay, 3000);
  });
  window.addEventListener("pageshow", stay);
  return state;
}

/** Warn whoever leaves the review by another way than its buttons: the form would be empty. */
function keeping(review) {
  if (!review) return;
  const sent = once(review);
  window.addEventListener("beforeunload", (event) => {
    if (!sent.leaving) event.preventDefault();
  });
}

// --- what others change ----------------------------------------------------------------------

function polling(changes) {
  const bar = document.querySelector(".toolbar");
  const url = bar.dataset.poll;
  if (!url) return;
  const news = document.querySelector("#news .notice");
  const words = document.getElementById("news-text");
  let known = Number(bar.dataset.revision);
  let tag = `"${known}"`;
  let asking = false;

  async function ask() {
    if (document.hidden || asking) return;
    asking = true;
    try {
      const answer = await fetch(url, {
        headers: { "If-None-Match": tag, Accept: "application/json" },
        cache: "no-store",
        signal: AbortSignal.timeout(4000),
      });
      if (answer.status === 401 || answer.status === 403) clearInterval(timer);
      if (answer.status === 200) told(answer.headers.get("ETag") ?? tag);
    } catch {
      // The server is away, or slow: the next time says more.
    } finally {
      asking = false;
    }
  }

  function told(now) {
    tag = now;
    const revision = Number(/\d+/.exec(now)?.[0] ?? known);
    if (revision === known) return;
    known = revision;
    const kept = changes.any() ? " What you typed is not lost if you review it first." : "";
    words.textContent = `Somebody changed the settings: revision ${revision}.${kept}`;
    news.hidden = false;
  }

  const timer = setInterval(ask, 5000);
  document.addEventListener("visibilitychange", ask);
}

function announcer() {
  const region = document.createElement("p");
  region.className = "unseen";
  region.setAttribute("role", "status");
  document.getElementById("main").append(region);
  return (text) => {
    region.textContent = text;
  };
}
