"use strict";
(() => {
  const all = (query, within = document) => [...within.querySelectorAll(query)];

  // evidence is read on paper too
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details.evidence:not([open])");
    opened.forEach((fold) => { fold.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((fold) => { fold.open = false; }));

  all(".command button").forEach((button) => {
    const words = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = button.dataset.copied;
      } catch {
        getSelection().selectAllChildren(code);
      }
      setTimeout(() => { button.textContent = words; }, 2000);
    });
  });

  const status = document.getElementById("announce");
  if (status) {
    all("input[name=f], input[name=g]").forEach((input) => input.addEventListener("change", () => {
      const shown = all(".rw").filter((row) => row.offsetParent !== null).length;
      status.textContent = status.dataset.words.replace("%", shown);
    }));
  }

  const value = (row, column) => {
    const text = row.cells[column].textContent.trim();
    const number = parseFloat(text.replace("\u2212", "-").replace(/[\u202f\s]/g, ""));
    return Number.isNaN(number) ? text : number;
  };
  all("table.sortable").forEach((table) => {
    const body = table.tBodies[0];
    const first = [...body.rows];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = column > 0 && head.ariaSort !== "descending";
        [...table.tHead.rows[0].cells].forEach((other) => other.removeAttribute("aria-sort"));
        const rows = [...first];
        if (down) {
          rows.sort((a, b) => value(b, column) - value(a, column));
          head.ariaSort = "descending";
        }
        body.append(...rows);
      });
    });
  });
})();
