"use strict";
// Every table in a ".scroll" sorts by the column whose heading is pressed, filters, and is saved as CSV. A table
// with several <tbody> keeps each of them together: a customer's line and what opens below it.

const sentence = (node) => node.textContent.trim().replace(/\s+/g, " ");

class Sheet {
  constructor(box) {
    this.table = box.querySelector("table");
    this.grouped = this.table.tBodies.length > 1;
    this.items = [...(this.grouped ? this.table.tBodies : this.table.tBodies[0].rows)];
    this.headings = [...this.table.tHead.rows[0].cells];
    this.first = Number(this.table.dataset.first) || Infinity;
    this.name = sentence(this.table.caption);
    this.addTools(box);
    this.titles = this.headings.map(sentence);
    this.parts = this.headings.map((_, column) => this.partsOf(column));
    this.headings.forEach((heading, column) => this.makeSortable(heading, column));
    this.show();
    new ResizeObserver(() => (this.sideways.hidden = box.scrollWidth <= box.clientWidth)).observe(box);
  }

  row(item) {
    return this.grouped ? item.rows[0] : item;
  }

  value(item, column) {
    const cell = this.row(item).cells[column];
    const sortKey = cell.dataset.sort;
    return sortKey === undefined ? sentence(cell) : sortKey === "" ? null : Number(sortKey);
  }

  addTools(box) {
    const tools = document.createElement("div");
    tools.className = "tools";
    if (this.items.length > 8) {
      this.search = document.createElement("input");
      this.search.type = "search";
      this.search.placeholder = this.table.dataset.search || "Filter";
      this.search.setAttribute("aria-label", `${this.search.placeholder}: ${this.name}`);
      this.search.addEventListener("input", () => this.show());
      this.search.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault(); // or it would close again what it opens
        this.open(this.items.find((item) => !item.hidden));
      });
      this.count = document.createElement("output");
      this.more = document.createElement("button");
      this.more.type = "button";
      this.more.className = "more";
      this.more.addEventListener("click", () => {
        this.all = !this.all;
        this.show();
      });
      tools.append(this.search, this.count, this.more);
    }
    const save = document.createElement("button");
    save.type = "button";
    save.className = "save";
    save.textContent = "Save as CSV";
    save.setAttribute("aria-label", `Save as CSV: ${this.name}`);
    save.addEventListener("click", () => this.save());
    this.sideways = document.createElement("span");
    this.sideways.className = "sideways";
    this.sideways.textContent = "Scroll sideways for more →";
    this.sideways.hidden = true;
    tools.append(this.sideways, save);
    const whole = document.createElement("div");
    box.replaceWith(whole);
    whole.append(tools, box);
  }

  show() {
    if (!this.search) return;
    const wanted = this.search.value.trim().toLowerCase();
    const found = this.items.filter((item) => !wanted || sentence(this.row(item)).toLowerCase().includes(wanted));
    const shown = new Set(wanted || this.all ? found : found.slice(0, this.first));
    for (const item of this.items) {
      item.hidden = Boolean(wanted) && !shown.has(item);
      item.classList.toggle("later", !wanted && !shown.has(item)); // paper has them all the same
    }
    this.count.textContent = `${shown.size} of ${this.items.length}`;
    this.count.classList.toggle("filtered", Boolean(wanted));
    this.count.dataset.filter = wanted && ` rows, those with “${wanted}”`;
    this.more.hidden = Boolean(wanted) || this.items.length <= this.first;
    this.more.textContent = this.all ? "Show fewer" : `Show all ${this.items.length}`;
  }

  open(item) {
    const details = item && item.querySelector("details");
    if (!details) return;
    if (item.hidden || item.classList.contains("later")) {
      this.all = true;
      this.search.value = "";
      this.show();
    }
    details.open = true;
    details.querySelector("summary").focus();
    item.scrollIntoView({ block: "start" });
  }

  makeSortable(heading, column) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    if (heading.dataset.tip) {
      button.dataset.tip = heading.dataset.tip;
      delete heading.dataset.tip;
    }
    heading.append(button);
    button.addEventListener("click", () => this.sort(column));
  }

  sort(column) {
    const heading = this.headings[column];
    const numeric = this.items.some((item) => typeof this.value(item, column) === "number");
    const first = numeric && sentence(heading) !== "Rank" ? "descending" : "ascending";
    const second = first === "descending" ? "ascending" : "descending";
    const order = heading.getAttribute("aria-sort") === first ? second : first;
    this.headings.forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    this.items.sort((a, b) => {
      const [x, y] = [this.value(a, column), this.value(b, column)];
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * (numeric ? x - y : x.localeCompare(y));
    });
    (this.grouped ? this.table : this.table.tBodies[0]).append(...this.items);
    this.show();
  }

  // What a column holds besides what it is sorted by: bounds, and notes that are named as columns.
  partsOf(column) {
    const cells = this.items.map((item) => this.row(item).cells[column]);
    const bounds = cells.some((cell) => cell.dataset.low !== undefined) ? ["low", "high"] : [];
    const notes = cells.flatMap((cell) => [...cell.querySelectorAll("[data-column]")].map((note) => note.dataset.column));
    return { bounds, notes: [...new Set(notes)] };
  }

  heads() {
    return this.titles.flatMap((title, column) => {
      if (this.headings[column].dataset.noCsv !== undefined) return [];
      const { bounds, notes } = this.parts[column];
      return [title, ...[...bounds, ...notes].map((part) => `${title}: ${part}`)];
    });
  }

  save() {
    const rows = [this.heads(), ...this.items.map((item) => this.written(item))];
    const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const text = rows.map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
    link.download = `${this.name.toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 60)}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  written(item) {
    // a spreadsheet would run a text that begins like a formula
    const safe = (text) => text.replace(/^[=+\-@\t]/, "'$&");
    return [...this.row(item).cells].flatMap((cell, column) => {
      if (this.headings[column].dataset.noCsv !== undefined) return [];
      const { bounds, notes } = this.parts[column];
      const noted = (name) => [...cell.querySelectorAll("[data-column]")].find((note) => note.dataset.column === name);
      return [
        this.main(cell, safe),
        ...bounds.map((bound) => cell.dataset[bound] ?? ""),
        ...notes.map((name) => (noted(name) ? (noted(name).dataset.value ?? safe(sentence(noted(name)))) : "")),
      ];
    });
  }

  main(cell, safe) {
    const sortKey = cell.dataset.sort;
    if (sortKey && cell.classList.contains("date")) return new Date(1000 * Number(sortKey)).toISOString().slice(0, 10);
    if (sortKey !== undefined) return sortKey.replace(/\.0$/, "");
    const plain = cell.cloneNode(true);
    plain.querySelectorAll("small").forEach((note) => note.remove());
    return safe(sentence(plain));
  }
}

const sheets = [...document.querySelectorAll(".scroll")].filter((box) => box.querySelector("table")).map((box) => new Sheet(box));

function unfold(node) {
  for (let fold = node.closest("details.fold"); fold; fold = fold.parentElement.closest("details.fold")) fold.open = true;
}

function openLinked() {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!target) return;
  unfold(target);
  const sheet = sheets.find((one) => one.items.includes(target));
  if (sheet) sheet.open(target);
  else target.scrollIntoView({ block: "start" });
}
addEventListener("hashchange", openLinked);
// a link to where the page is already changes no hash
document.addEventListener("click", ({ target }) => {
  const link = target.closest('a[href^="#"]');
  if (link && link.hash === location.hash) openLinked();
});
openLinked();

// One key searches the customers.
const searched = sheets.find((sheet) => sheet.search && sheet.table.dataset.search);
if (searched) {
  const goTo = () => {
    unfold(searched.table);
    searched.search.focus();
    searched.search.scrollIntoView({ block: "center" });
  };
  const button = document.createElement("button");
  button.type = "button";
  button.innerHTML = "Search <kbd>/</kbd>";
  button.addEventListener("click", goTo);
  document.querySelector("header").append(button);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
    event.preventDefault();
    goTo();
  });
}

// Whether the period of the forecast is over depends on the day on which somebody reads this.
const late = document.getElementById("late");
if (late) late.hidden = Date.now() <= Date.parse(late.dataset.until);

// Paper has no folds.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details.fold:not([open])")];
  for (const fold of folded) fold.open = true;
});
addEventListener("afterprint", () => {
  for (const fold of folded) fold.open = false;
});

// Terms explain themselves while they are pointed at or focused; Escape takes the note away (WCAG 1.4.13).
const note = document.createElement("div");
note.id = "note";
note.setAttribute("role", "tooltip");
note.hidden = true;
document.body.append(note);
let explained = null;

function explain(node) {
  explained = node;
  note.textContent = node.dataset.tip;
  note.hidden = false;
  node.setAttribute("aria-describedby", "note");
  const at = node.getBoundingClientRect();
  const wide = document.documentElement.clientWidth;
  note.style.left = `${Math.max(8, Math.min(at.left, wide - note.offsetWidth - 8))}px`;
  const below = at.bottom + 6;
  note.style.top = `${below + note.offsetHeight > innerHeight ? Math.max(8, at.top - note.offsetHeight - 6) : below}px`;
}

function stopExplaining() {
  if (explained) explained.removeAttribute("aria-describedby");
  explained = null;
  note.hidden = true;
}

for (const event of ["pointerover", "focusin"]) {
  document.addEventListener(event, ({ target }) => {
    const node = target.closest("[data-tip]");
    if (node && node !== explained) explain(node);
  });
}
for (const event of ["pointerout", "focusout"]) {
  document.addEventListener(event, ({ relatedTarget }) => {
    if (explained && !(relatedTarget && (explained.contains(relatedTarget) || note.contains(relatedTarget)))) stopExplaining();
  });
}
document.addEventListener("keydown", ({ key }) => key === "Escape" && stopExplaining());
document.addEventListener("scroll", stopExplaining, { passive: true, capture: true });
