// The front page: search and filter in its tables. window.onceproof.shown() says how many rows of
// the table of runs are to be seen.

"use strict";

function beginIndexPage() {
  const search = document.getElementById("search");
  const filter = document.getElementById("filter");
  const rows = [...document.querySelectorAll("#runs tbody tr")];
  const count = document.getElementById("shown");
  const isWanted = (row) =>
    row.textContent.toLowerCase().includes(search.value.toLowerCase()) &&
    (filter.value === "" || row.dataset.shows.split(" ").includes(filter.value));
  const apply = () => {
    let shown = 0;
    for (const row of rows) {
      row.hidden = !isWanted(row);
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = `${shown} of ${rows.length} runs`;
  };
  search?.addEventListener("input", apply);
  filter?.addEventListener("change", apply);
  if (search) {
    apply();
  }
  wireCopyButtons();
  window.onceproof = { shown: () => rows.filter((row) => !row.hidden).length };
}

beginIndexPage();
