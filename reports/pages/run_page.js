// The page of a run: wires the diagram, the list of a record's steps, and the tables.
//
// For whoever tests a page, or asks it from the console, there is one object, window.onceproof:
//   data        what the page was made from; tables with decode()
//   decode(t)   a table of `data` as columns of numbers
//   view()      {from, until} of the diagram, in microseconds
//   show(from, until), zoom(factor), select(record), svg()
//   selected()  {record, steps: [{at, lane, words, kind}]}
//   placeOf(record)  {x, y} of an input on the canvas
//   paintTimes  milliseconds that the last pictures took

"use strict";

const ROWS_AT_ONCE = 100;

function byId(id) {
  return document.getElementById(id);
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

// A table of which only what is asked for is in the document.
class SearchedTable {
  constructor(section, rows, cellsOf, textOf, findingOf) {
    this.body = section.querySelector("tbody");
    this.count = section.querySelector(".count");
    this.more = section.querySelector(".more");
    this.search = section.querySelector("input");
    this.finding = section.querySelector("select");
    this.rows = rows;
    this.cellsOf = cellsOf;
    this.textOf = textOf;
    this.findingOf = findingOf;
    this.search.addEventListener("input", () => this.begin());
    this.finding.addEventListener("change", () => this.begin());
    this.more.addEventListener("click", () => this.add());
    this.begin();
  }

  begin() {
    const words = this.search.value.toLowerCase();
    const finding = this.finding.value;
    this.matching = [];
    for (let row = 0; row < this.rows; ++row) {
      if ((finding === "" || this.findingOf(row).includes(finding)) &&
          (words === "" || this.textOf(row).toLowerCase().includes(words))) {
        this.matching.push(row);
      }
    }
    this.body.replaceChildren();
    this.shown = 0;
    this.count.textContent = `${this.matching.length} of ${this.rows}`;
    this.add();
  }

  add() {
    const next = this.matching.slice(this.shown, this.shown + ROWS_AT_ONCE);
    for (const row of next) {
      const line = document.createElement("tr");
      line.append(...this.cellsOf(row));
      this.body.append(line);
    }
    this.shown += next.length;
    this.more.hidden = this.shown >= this.matching.length;
  }
}

function recordButton(diagram, record) {
  const button = make("button", "record", String(record));
  button.type = "button";
  button.title = "Light up the life of this record";
  button.addEventListener("click", () => {
    diagram.select(record);
    byId("diagram-section").scrollIntoView({ block: "start" });
  });
  return button;
}

function cell(content, className = "") {
  const element = make("td", className, "");
  element.append(content);
  return element;
}

function findingsOfInput(shows) {
  return [
    [SHOWS_LOST, "lost"], [SHOWS_REPEATED, "duplicated"], [SHOWS_LATE, "reordered"],
  ].filter(([bit]) => (shows & bit) !== 0).map(([, name]) => name);
}

function findingsOfRow(shows) {
  return [[ROW_SURPLUS, "duplicated"], [ROW_PHANTOM, "phantom"]]
    .filter(([bit]) => (shows & bit) !== 0).map(([, name]) => name);
}

function fillTables(model, diagram) {
  const { inputs, outputs } = model;
  const tag = (findings) => cell(make("span", findings.length > 0 ? "bad" : "", findings.join(", ")));
  new SearchedTable(byId("inputs"), inputs.rows, (i) => [
    cell(recordButton(diagram, inputs.id[i])), cell(String(inputs.partition[i]), "number"),
    cell(String(inputs.offset[i]), "number"), cell(model.text(inputs.key[i]), "bytes"),
    cell(model.text(inputs.value[i]), "bytes"), cell(formatSeconds(inputs.produced[i]), "number"),
    tag(findingsOfInput(inputs.shows[i])),
  ], (i) => `${inputs.id[i]} ${inputs.partition[i]}/${inputs.offset[i]} ${model.text(inputs.key[i])} ` +
    model.text(inputs.value[i]), (i) => findingsOfInput(inputs.shows[i]));
  new SearchedTable(byId("outputs"), outputs.rows, (i) => [
    cell(String(outputs.n[i]), "number"),
    cell(outputs.record[i] < 0 ? "" : recordButton(diagram, outputs.record[i])),
    cell(model.text(outputs.key[i]), "bytes"), cell(model.text(outputs.value[i]), "bytes"),
    cell(model.batchName(outputs.batch[i])), cell(String(outputs.task[i]), "number"),
    cell(String(outputs.attempt[i]), "number"),
    cell(model.processName(model.text(outputs.process[i]), outputs.life[i])),
    cell(formatSeconds(outputs.written[i]), "number"), tag(findingsOfRow(outputs.shows[i])),
  ], (i) => `${outputs.record[i]} ${model.text(outputs.key[i])} ${model.text(outputs.value[i])} ` +
    model.batchName(outputs.batch[i]), (i) => findingsOfRow(outputs.shows[i]));
}

// Buttons for the records that something happened to.
function fillFindings(model, diagram) {
  const shownMax = 40;
  const { inputs } = model;
  for (const [bit, name] of [[SHOWS_LOST, "lost"], [SHOWS_REPEATED, "duplicated"], [SHOWS_LATE, "reordered"]]) {
    const records = [];
    for (let i = 0; i < inputs.rows; ++i) {
      if ((inputs.shows[i] & bit) !== 0) {
        records.push(inputs.id[i]);
      }
    }
    if (records.length === 0) {
      continue;
    }
    const line = make("p", "found", `${name}: `);
    line.dataset.finding = name;
    line.append(...records.slice(0, shownMax).map((record) => recordButton(diagram, record)));
    if (records.length > shownMax) {
      line.append(` and ${records.length - shownMax} more, in the table of inputs`);
    }
    byId("found").append(line);
  }
  for (const [key, expected, rows] of model.data.wrongKeys) {
    byId("found").append(make("p", "found bad", `wrong: key ${key}, expected ${expected}, ${rows} rows`));
  }
}

// A page's address may name a record: run-3.html#record-17.
function recordOfAddress() {
  const found = /^#record-(\d+)$/.exec(location.hash);
  return found ? Number(found[1]) : -1;
}

function showSteps(diagram, record, steps) {
  history.replaceState(null, "", record < 0 ? location.pathname : `#record-${record}`);
  byId("life").hidden = record < 0;
  byId("life-title").textContent = `The life of record ${record}`;
  byId("life-steps").replaceChildren(...steps.map((step) => {
    const item = make("li", ["lost", "surplus", "broken"].includes(step.kind) ? "bad" : "", "");
    const button = make("button", "step", "");
    button.type = "button";
    button.append(make("span", "when", formatSeconds(step.at, 6)), " ", step.words);
    button.addEventListener("click", () => {
      const middle = diagram.axis.placeOf(step.at);
      const span = (diagram.right - diagram.left) / 2;
      diagram.showPlaces(middle - span / 2, middle + span / 2);
    });
    item.append(button);
    return item;
  }));
}

function showTip(diagram, item, x, y) {
  const tip = byId("tip");
  tip.hidden = item === undefined;
  if (item) {
    tip.textContent = item.words;
    const width = Math.min(tip.offsetWidth, diagram.width);
    tip.style.left = Math.max(0, Math.min(x + 14, diagram.width - width)) + "px";
    tip.style.top = y + 18 + "px";
  }
}

function wireButtons(diagram) {
  const actions = {
    "zoom-in": () => diagram.zoom(1.6),
    "zoom-out": () => diagram.zoom(1 / 1.6),
    "show-all": () => diagram.showAll(),
    "clear-life": () => diagram.select(-1),
    "save-picture": () => {
      const link = document.createElement("a");
      link.href = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(diagram.svg());
      link.download = "diagram.svg";
      link.click();
    },
  };
  for (const [id, action] of Object.entries(actions)) {
    byId(id).addEventListener("click", action);
  }
  byId("squeeze").addEventListener("change", (event) => diagram.squeeze(event.target.checked));
  for (const name of ["messages", "heartbeats", "effects"]) {
    byId("show-" + name).addEventListener("change", (event) => {
      diagram.shown[name] = event.target.checked;
      diagram.repaint();
    });
  }
}

function beginRunPage() {
  const data = JSON.parse(byId("data").textContent);
  const model = new RunModel(data);
  const diagram = new Diagram(byId("diagram"), model, {
    selected: (record, steps) => showSteps(diagram, record, steps),
    pointed: (item, x, y) => showTip(diagram, item, x, y),
  });
  wireButtons(diagram);
  fillFindings(model, diagram);
  fillTables(model, diagram);
  wireCopyButtons();
  if (recordOfAddress() >= 0) {
    diagram.select(recordOfAddress());
  }
  window.onceproof = {
    data,
    decode: decodeTable,
    view: () => ({ from: diagram.from, until: diagram.until }),
    show: (from, until) => diagram.show(from, until),
    zoom: (factor) => diagram.zoom(factor),
    select: (record) => diagram.select(record),
    selected: () => ({ record: diagram.record, steps: diagram.steps }),
    placeOf: (record) => diagram.placeOfInput(record),
    svg: () => diagram.svg(),
    paintTimes: diagram.paintTimes,
  };
}

beginRunPage();
