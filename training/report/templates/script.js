"use strict";
// Tables of class "sortable" sort by the column whose heading is pressed. A table with several <tbody> keeps
// each of them together: a customer's line and what opens below it.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  const grouped = table.tBodies.length > 1;
  const parent = grouped ? table : table.tBodies[0];
  const items = () => [...(grouped ? table.tBodies : parent.rows)];
  const key = (item, column) => {
    const cell = (grouped ? item.rows[0] : item).cells[column];
    const sort = cell.dataset.sort;
    return sort === undefined ? cell.textContent.trim() : sort === "" ? null : Number(sort);
  };
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const numeric = typeof key(items()[0], column) !== "string";
      const first = numeric && heading.textContent.trim() !== "Rank" ? "descending" : "ascending";
      const second = first === "descending" ? "ascending" : "descending";
      const order = heading.getAttribute("aria-sort") === first ? second : first;
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const compare = (a, b) => {
        const [x, y] = [key(a, column), key(b, column)];
        if (x === null || y === null) return (x === null) - (y === null);
        return sign * (numeric ? x - y : x.localeCompare(y));
      };
      parent.append(...items().sort(compare));
    });
  });
}
