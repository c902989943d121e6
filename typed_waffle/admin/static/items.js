// Items: a text area with one item on each line, as a list that can be edited item by item.

const WORDS = { up: "↑", down: "↓", remove: "×" };

/** Put a list of inputs in the place of a text area, which keeps what is sent. */
export function itemised(area, say) {
  const name = area.name.slice(2);
  const label = document.querySelector(`label[for="${CSS.escape(area.id)}"]`);
  const group = element("div", { role: "group", tabIndex: -1 });
  const list = element("ol", { className: "items" });
  const add = element("button", { type: "button", className: "quiet items-add" });
  add.textContent = "Add an item";
  add.setAttribute("aria-label", `Add an item to ${name}`);
  group.append(list, add);

  group.id = area.id;
  area.removeAttribute("id");
  label.id ||= `l-${name}`;
  label.removeAttribute("for");
  group.setAttribute("aria-labelledby", label.id);
  const described = area.getAttribute("aria-describedby");
  if (described) group.setAttribute("aria-describedby", described);
  const how = area.closest(".setting").querySelector(".how");
  if (how) how.textContent = "Enter adds an item below, Alt with an arrow key moves it.";
  area.hidden = true;
  area.after(group);
  label.addEventListener("click", () => (list.querySelector("input") ?? add).focus());

  const inputs = () => [...list.querySelectorAll("input")];

  function sync() {
    const lines = inputs().map((input) => input.value).filter(Boolean); // the server trims as Python does
    area.value = lines.join("\n");
    inputs().forEach((input, at) => {
      input.setAttribute("aria-label", `${name}, item ${at + 1}`);
      for (const button of input.parentElement.querySelectorAll("button")) {
        button.setAttribute("aria-label", `${button.title} item ${at + 1} of ${name}`);
      }
    });
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function item(text) {
    const row = element("li");
    const input = element("input", { type: "text", value: text, autocomplete: "off", spellcheck: false });
    if (area.getAttribute("aria-invalid")) input.setAttribute("aria-invalid", "true");
    row.append(input);
    for (const [what, sign] of Object.entries(WORDS)) {
      const button = element("button", { type: "button", className: "quiet" });
      button.title = what === "remove" ? "Remove" : `Move ${what}`;
      button.textContent = sign;
      button.addEventListener("click", () => act(row, what, button));
      row.append(button);
    }
    return row;
  }

  function act(row, what, focus) {
    const at = [...list.children].indexOf(row);
    if (what === "remove") {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      (next?.querySelector("input") ?? add).focus();
      say(`Item ${at + 1} of ${name} was removed.`);
    } else {
      const other = what === "up" ? row.previousElementSibling : row.nextElementSibling;
      if (!other) return;
      other[what === "up" ? "before" : "after"](row);
      focus.focus();
      say(`Item ${at + 1} of ${name} is now item ${[...list.children].indexOf(row) + 1}.`);
    }
    sync();
  }

  function insert(text, before) {
    const row = item(text);
    list.insertBefore(row, before);
    return row;
  }

  add.addEventListener("click", () => {
    insert("", null).querySelector("input").focus();
    sync();
  });

  list.addEventListener("input", sync);

  list.addEventListener("keydown", (event) => {
    const row = event.target.closest("li");
    if (event.target.tagName !== "INPUT") return;
    if (event.key === "Enter" && !event.isComposing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      insert("", row.nextElementSibling).querySelector("input").focus();
      sync();
    } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      act(row, event.key === "ArrowUp" ? "up" : "down", event.target);
    } else if (event.key === "Backspace" && event.target.value === "") {
      event.preventDefault();
      act(row, "remove");
    }
  });

  list.addEventListener("paste", (event) => {
    const lines = event.clipboardData.getData("text").split(/\r?\n/).filter((line) => /[^ \t]/.test(line));
    if (lines.length < 2 || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    const row = event.target.closest("li");
    const after = row.nextElementSibling;
    const rows = lines.map((line) => insert(line, after));
    if (event.target.value === "") row.remove();
    rows.at(-1).querySelector("input").focus();
    sync();
  });

  for (const line of area.value.split("\n")) if (line) list.append(item(line));
  sync();
}

function element(tag, properties = {}) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "role") made.setAttribute("role", value);
    else made[name] = value;
  }
  return made;
}
