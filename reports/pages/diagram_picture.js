// The space-time diagram as a picture: time to the right, a lane for everybody. One function paints
// it, on the page's canvas or into a file (svg_canvas.js); what is outside of the view, or would fall
// on a pixel that is taken, is not painted.

"use strict";

const AXIS_HEIGHT = 26;
const FAULT_ROW = 16;
const SPAN_ROW = 15;
const TICK = 5;

const RECEIVER_MESSAGES = new Set([
  "register_receiver", "receiver_registered", "deregister_receiver", "receiver_ended", "add_block",
  "block_added", "launch_receiver", "stop_receiver", "update_rate_limit", "clean_up_old_blocks",
]);

// {paper, ink, ...}: the custom properties of the page, or of the light theme.
function coloursOf(element) {
  const style = getComputedStyle(element);
  const colours = {};
  for (const name of ["paper", "ink", "muted", "rule", "band", "batch", "task", "message", "log",
    "checkpoint", "commit", "output", "input", "fault", "light"]) {
    colours[name] = style.getPropertyValue("--" + name).trim();
  }
  return colours;
}

class DiagramPicture {
  constructor(model) {
    this.model = model;
    this.shown = { messages: true, heartbeats: false, effects: true };
    this.record = -1;
    this.steps = [];
    this.axis = new TimeAxis(model);
    this.left = 0;  // the edges of the view: places on the axis; from and until are their times
    this.right = this.axis.end;
    this.from = 0;
    this.until = model.end;
    this.longestMessage = model.messages.rows === 0 ? 0 : model.messages.took.reduce((a, b) => Math.max(a, b), 0);
    this.pointStyles = model.texts.map((text) => POINTS[text]);
    this.arrange();
  }

  // --- Lanes -----------------------------------------------------------------------------------

  arrange() {
    const model = this.model;
    const rowsOf = (spans) => spans.reduce((rows, span) => Math.max(rows, span.row + 1), 0);
    this.lanes = [];
    const add = (id, label, rows, process = "") => this.lanes.push({ id, label, rows, process });
    add("kafka", "Kafka", 0);
    for (const name of model.processes.filter((one) => model.receiving.has(one))) {
      add("receiver/" + name, "receiver " + name.split(":")[1], 0, name);
    }
    for (const name of model.processes) {
      const spans = name === "driver" ? model.batches : model.tasks.filter((task) => task.process === name);
      add(name, name.replace(":", " "), rowsOf(spans), name);
    }
    add("storage", "storage", 0);
    add("sink", "sink", 0);
    this.faultRows = Math.min(4, model.data.faults.filter((fault) => fault.at !== null).length);
    let y = AXIS_HEIGHT + this.faultRows * FAULT_ROW + 6;
    for (const lane of this.lanes) {
      lane.top = y;
      lane.line = y + 16 + lane.rows * SPAN_ROW;
      y = lane.line + 16;
      lane.bottom = y;
    }
    this.height = y + 2;
    this.laneOf = new Map(this.lanes.map((lane) => [lane.id, lane]));
    this.laneByText = model.texts.map((text) => this.laneOf.get(text));
    this.receiverLaneByText = model.texts.map((text) => this.laneOf.get("receiver/" + text) ?? this.laneOf.get(text));
  }

  x(at) {
    return this.xOfPlace(this.axis.placeOf(at));
  }

  xOfPlace(place) {
    return this.margin + (place - this.left) / (this.right - this.left) * (this.width - this.margin - 8);
  }

  timeAt(x) {
    return this.axis.timeOf(this.left + (x - this.margin) / (this.width - this.margin - 8) * (this.right - this.left));
  }

  // --- Painting --------------------------------------------------------------------------------

  paint(c, colours) {
    this.c = c;
    this.colours = colours;
    c.globalAlpha = 1;
    c.setLineDash([]);
    c.fillStyle = colours.paper;
    c.fillRect(0, 0, this.width, this.height);
    this.paintLanes();
    this.paintGrid();
    this.dim = this.record < 0 ? 1 : 0.25;
    this.paintLives();
    this.paintSpans(this.model.batches, () => this.laneOf.get("driver"), colours.batch,
                    (span) => this.model.batchName(span.batch));
    this.paintSpans(this.model.tasks, (task) => this.laneOf.get(task.process), colours.task,
                    (task) => `task ${task.task}${task.attempt > 0 ? ` (attempt ${task.attempt})` : ""}`);
    this.paintMessages();
    this.paintPoints();
    this.paintRecords();
    c.globalAlpha = 1;
    this.paintDeaths();
    this.paintFaults();
    this.paintLifeOfRecord();
    this.paintLabels();
  }

  font(size, weight = 400) {
    this.c.font = `${weight} ${size}px system-ui, "Helvetica Neue", Arial, sans-serif`;
  }

  paintLanes() {
    const c = this.c;
    this.lanes.forEach((lane, n) => {
      if (n % 2 === 0) {
        c.fillStyle = this.colours.band;
        c.fillRect(0, lane.top, this.width, lane.bottom - lane.top);
      }
    });
  }

  // A step of 1, 2 or 5 times a power of ten, so that labels have room.
  gridStep() {
    const room = 78 / (this.width - this.margin) * (this.until - this.from);
    const power = 10 ** Math.floor(Math.log10(room));
    return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= room);
  }

  paintGrid() {
    const c = this.c;
    c.strokeStyle = this.colours.rule;
    c.lineWidth = 1;
    this.font(11);
    c.textAlign = "center";
    c.textBaseline = "middle";
    for (const { at, digits } of this.axis.squeezed ? this.squeezedTicks() : this.plainTicks()) {
      const x = Math.round(this.x(at)) + 0.5;
      if (at >= 0 && at <= this.model.end && x >= this.margin + 20 && x <= this.width - 20) {
        this.line(x, AXIS_HEIGHT - 5, x, this.height);
        c.fillStyle = this.colours.muted;
        c.fillText(formatSeconds(at, digits), x, 12);
      }
    }
  }

  plainTicks() {
    const step = this.gridStep();
    const digits = Math.max(0, Math.min(6, Math.ceil(6 - Math.log10(step))));
    const ticks = [];
    for (let at = Math.ceil(this.from / step) * step; at <= this.until; at += step) {
      ticks.push({ at, digits });
    }
    return ticks;
  }

  // Equally far apart, each as exact as its neighbourhood needs.
  squeezedTicks() {
    const distance = 92;
    const ticks = [];
    let last = -Infinity;
    for (let x = this.margin + distance / 2; x < this.width; x += distance) {
      const { at, digits } = this.roundTimeNear(x);
      if (this.x(at) > last + 66) {
        last = this.x(at);
        ticks.push({ at, digits });
      }
    }
    return ticks;
  }

  // The roundest time that is no further away than a label may be moved.
  roundTimeNear(x) {
    for (let digits = 0; digits < 6; ++digits) {
      const unit = 10 ** (6 - digits);
      const at = Math.round(this.timeAt(x) / unit) * unit;
      if (Math.abs(this.x(at) - x) < 16) {
        return { at, digits };
      }
    }
    return { at: Math.round(this.timeAt(x)), digits: 6 };
  }

  line(x1, y1, x2, y2) {
    this.c.beginPath();
    this.c.moveTo(x1, y1);
    this.c.lineTo(x2, y2);
    this.c.stroke();
  }

  // Where somebody lives a line, where not dots; places that never die have a thin line.
  paintLives() {
    const c = this.c;
    for (const lane of this.lanes) {
      c.strokeStyle = this.colours.rule;
      c.lineWidth = 1;
      c.setLineDash(lane.process === "" ? [] : [1, 4]);
      this.line(this.margin, lane.line, this.width, lane.line);
      c.setLineDash([]);
      c.strokeStyle = this.colours.ink;
      c.lineWidth = 1.6;
      for (const life of this.model.lives) {
        const [from, until] = [this.x(life.from), this.x(life.until)];
        if (life.process === lane.process && until >= this.margin && from <= this.width) {
          this.line(Math.max(from, this.margin), lane.line, Math.min(until, this.width), lane.line);
        }
      }
    }
  }

  paintSpans(spans, laneOf, colour, name) {
    const boxes = this.boxesOf(spans, laneOf);
    const c = this.c;
    c.fillStyle = colour;
    c.strokeStyle = colour;
    c.lineWidth = 1;
    for (const [finished, alpha] of [[true, 0.32], [false, 0.14]]) {
      const some = boxes.filter((box) => box.finished === finished);
      c.beginPath();
      some.forEach((box) => c.rect(box.left, box.y, box.width, SPAN_ROW - 3));
      c.globalAlpha = this.dim * alpha;
      c.fill();
    }
    c.globalAlpha = this.dim;
    c.setLineDash([3, 2]);
    c.beginPath();
    boxes.filter((box) => !box.finished && box.width > 3)
      .forEach((box) => c.rect(box.left + 0.5, box.y + 0.5, box.width - 1, SPAN_ROW - 4));
    c.stroke();
    c.setLineDash([]);
    this.paintNames(boxes, name);
  }

  // {span, left, width, y, finished} of the spans in the view, one for each place in the picture.
  boxesOf(spans, laneOf) {
    const taken = new Set();
    const boxes = [];
    for (const span of spans) {
      if (span.until < this.from || span.from > this.until) {
        continue;
      }
      const left = Math.max(this.margin, this.x(span.from));
      const width = Math.max(1.5, Math.min(this.width, this.x(span.until)) - left);
      const y = laneOf(span).line - 8 - (span.row + 1) * SPAN_ROW;
      const place = `${y}/${Math.round(left)}/${Math.round(width)}`;
      if (!taken.has(place)) {
        taken.add(place);
        boxes.push({ span, left, width, y, finished: span.done || span.ended });
      }
    }
    return boxes;
  }

  paintNames(boxes, name) {
    const c = this.c;
    this.font(11);
    c.textAlign = "left";
    c.textBaseline = "middle";
    c.fillStyle = this.colours.ink;
    for (const { span, left, width, y } of boxes) {
      if (width > 40) {
        const label = name(span);
        if (c.measureText(label).width < width - 8) {
          c.fillText(label, left + 4, y + 6.5);
        }
      }
    }
  }

  lanesOfMessage(message) {
    const messages = this.model.messages;
    const table = RECEIVER_MESSAGES.has(this.model.text(messages.kind[message])) ? this.receiverLaneByText : this.laneByText;
    return [table[messages.from[message]], table[messages.to[message]]];
  }

  // Calls `visit` for every message in the view that is to be shown.
  eachMessage(visit) {
    const messages = this.model.messages;
    if (!this.shown.messages) {
      return;
    }
    const heartbeat = this.model.texts.indexOf("heartbeat");
    const first = firstAtLeast(messages.sent, this.from - this.longestMessage);
    for (let i = first; i < messages.rows && messages.sent[i] <= this.until; ++i) {
      if (this.shown.heartbeats || messages.kind[i] !== heartbeat) {
        visit(i);
      }
    }
  }

  paintMessages() {
    let count = 0;
    this.eachMessage(() => { ++count; });
    const crowd = count / (this.width - this.margin);
    const messages = this.model.messages;
    const fine = new Set(["arrived", "under-way"].map((fate) => this.model.texts.indexOf(fate)));
    const taken = new Map();
    const [sent, ended] = [this.axis.placesOf(messages.sent), this.axis.placesOf(messages.ended)];
    this.font(10);
    this.eachMessage((i) => {
      const [from, to] = this.lanesOfMessage(i);
      if (!from || !to) {
        return;
      }
      const left = this.xOfPlace(sent[i]);
      const key = from.line * 10007 + to.line;
      const broken = !fine.has(messages.fate[i]);
      if (!broken && taken.get(key) === Math.round(left)) {
        return;
      }
      taken.set(key, Math.round(left));
      const right = this.xOfPlace(ended[i]);
      this.paintMessage({ left, right, from: from.line, to: to.line, broken, crowd, message: i });
    });
  }

  paintMessage(arrow) {
    const c = this.c;
    const { left, right, from, to, broken, crowd } = arrow;
    const colour = broken ? this.colours.fault : this.colours.message;
    c.strokeStyle = colour;
    c.fillStyle = colour;
    c.globalAlpha = this.dim * (broken ? 0.9 : Math.max(0.04, Math.min(0.75, 0.2 / crowd)));
    c.lineWidth = broken ? 1.2 : 1;
    c.setLineDash(broken ? [3, 3] : []);
    if (from === to) {
      this.line(left, from, (left + right) / 2, from + 9);
      this.line((left + right) / 2, from + 9, right, to);
    } else {
      this.line(left, from, right, to);
    }
    c.setLineDash([]);
    if (broken) {
      this.cross(right, to + (to > from ? -6 : 6), 3);
    } else if (crowd < 0.05 || right - left > 8) {
      this.arrowHead(left, from, right, to);
    }
    if (crowd < 0.02 && Math.abs(to - from) > 24) {
      const label = this.model.text(this.model.messages.kind[arrow.message]).replaceAll("_", " ");
      c.globalAlpha = this.dim;
      c.fillStyle = this.colours.muted;
      c.textAlign = "left";
      c.textBaseline = "middle";
      c.fillText(label, (left + right) / 2 + 6, from + (to - from) * 0.42);
    }
  }

  arrowHead(x1, y1, x2, y2) {
    const c = this.c;
    const angle = Math.atan2(y2 - y1, x2 - x1);
    c.beginPath();
    c.moveTo(x2, y2);
    c.lineTo(x2 - 7 * Math.cos(angle - 0.35), y2 - 7 * Math.sin(angle - 0.35));
    c.lineTo(x2 - 7 * Math.cos(angle + 0.35), y2 - 7 * Math.sin(angle + 0.35));
    c.closePath();
    c.fill();
  }

  cross(x, y, size) {
    this.line(x - size, y - size, x + size, y + size);
    this.line(x - size, y + size, x + size, y - size);
  }

  laneOfPoint(event) {
    const process = this.model.events.process[event];
    const name = this.model.pointOf(event);
    return name.startsWith("receiver.") ? this.receiverLaneByText[process] : this.laneByText[process];
  }

  // Where receivers fetch, a task reads blocks and not Kafka.
  placeOf(style) {
    return style.isReading && this.model.receiving.size > 0 ? undefined : style.place;
  }

  // A tick where it happens, and one where its effect is, with a thin line between.
  paintPoints() {
    const c = this.c;
    const events = this.model.events;
    const taken = new Map();
    const ticks = new Map();  // by colour and place, to set the pen once for many
    const visible = this.visibleEvents();
    const places = this.axis.placesOf(events.at);
    const crowd = (visible[1] - visible[0]) / (this.width - this.margin);
    for (let i = visible[0]; i < visible[1]; ++i) {
      const style = this.pointStyles[events.point[i]];
      const lane = this.laneOfPoint(i);
      if (!style || !lane) {
        continue;
      }
      const x = Math.round(this.xOfPlace(places[i])) + 0.5;
      const place = this.placeOf(style) && this.shown.effects ? this.laneOf.get(this.placeOf(style)) : undefined;
      const colour = style.colour ?? "ink";
      const key = `${lane.id}/${colour}/${place ? place.id : ""}`;
      if (x < this.margin || taken.get(key) === x) {
        continue;
      }
      taken.set(key, x);
      if (!ticks.has(key)) {
        ticks.set(key, { colour, lane, place, at: [] });
      }
      ticks.get(key).at.push(x);
    }
    for (const { colour, lane, place, at } of ticks.values()) {
      c.strokeStyle = this.colours[colour];
      this.strokeTicks(at, lane.line - TICK, lane.line + TICK, colour === "ink" ? 0.55 : 1, 1.2);
      if (place) {
        this.strokeTicks(at, lane.line, place.line, Math.max(0.06, Math.min(0.4, 0.08 / crowd)), 1);
        this.strokeTicks(at, place.line - TICK - 2, place.line + TICK + 2, 1, 1.6);
      }
    }
  }

  strokeTicks(at, top, bottom, alpha, width) {
    const c = this.c;
    c.globalAlpha = this.dim * alpha;
    c.lineWidth = width;
    c.beginPath();
    for (const x of at) {
      c.moveTo(x, top);
      c.lineTo(x, bottom);
    }
    c.stroke();
  }

  visibleEvents() {
    const at = this.model.events.at;
    return [firstAtLeast(at, this.from), firstAtLeast(at, this.until)];
  }

  // Inputs in the lane of Kafka, rows in that of the sink. What is lost, or too many, is red.
  paintRecords() {
    const c = this.c;
    const { inputs, outputs } = this.model;
    const [kafka, sink] = [this.laneOf.get("kafka").line, this.laneOf.get("sink").line];
    this.paintDots(inputs.rows, inputs.produced, (i) => inputs.shows[i] & SHOWS_LOST, kafka, this.colours.input);
    this.paintDots(outputs.rows, outputs.written, (i) => outputs.shows[i], sink, this.colours.output);
    c.globalAlpha = 1;
  }

  paintDots(rows, times, isFound, y, colour) {
    const c = this.c;
    const found = [];
    let taken = NaN;
    c.globalAlpha = this.dim;
    c.fillStyle = colour;
    c.beginPath();
    for (let i = 0; i < rows; ++i) {
      const x = this.x(times[i]);
      if (x < this.margin || x > this.width) {
        continue;
      }
      if (isFound(i)) {
        found.push(x);
      } else if (taken !== Math.round(x)) {
        taken = Math.round(x);
        c.rect(taken - 1, y - 4, 2, 8);
      }
    }
    c.fill();
    c.globalAlpha = this.record < 0 ? 1 : 0.5;
    c.strokeStyle = this.colours.fault;
    c.fillStyle = this.colours.paper;
    c.lineWidth = 1.5;
    c.beginPath();
    taken = NaN;
    for (const x of found) {
      if (taken !== Math.round(x)) {
        taken = Math.round(x);
        c.moveTo(x + 3.5, y);
        c.arc(x, y, 3.5, 0, 2 * Math.PI);
      }
    }
    c.fill();
    c.stroke();
  }

  // A cross where a life ends in a crash, a number where the next one begins.
  paintDeaths() {
    const c = this.c;
    this.font(10, 600);
    c.textAlign = "left";
    c.textBaseline = "middle";
    for (const lane of this.lanes) {
      for (const life of this.model.lives) {
        if (life.process !== lane.process || lane.process === "") {
          continue;
        }
        const [from, until] = [this.x(life.from), this.x(life.until)];
        if (life.ended === "crashed" && until >= this.margin && until <= this.width) {
          c.strokeStyle = this.colours.fault;
          c.lineWidth = 2.4;
          this.cross(until, lane.line, 5);
        }
        if (life.life > 1 && from >= this.margin && from <= this.width) {
          c.fillStyle = this.colours.ink;
          c.beginPath();
          c.moveTo(from, lane.line - 5);
          c.lineTo(from + 7, lane.line);
          c.lineTo(from, lane.line + 5);
          c.closePath();
          c.fill();
          c.fillText("#" + life.life, from + 9, lane.line + 9);
        }
      }
    }
  }

  paintFaults() {
    const c = this.c;
    const ends = new Array(this.faultRows).fill(0);
    this.font(11, 600);
    c.textAlign = "left";
    c.textBaseline = "middle";
    const faults = this.model.data.faults.filter((fault) => fault.at !== null).sort((a, b) => a.at - b.at);
    for (const fault of faults) {
      const x = Math.round(this.x(fault.at)) + 0.5;
      if (x < this.margin || x > this.width) {
        continue;
      }
      const label = this.shortened(fault.words.split(";")[0], Math.min(420, this.width - this.margin - 20));
      const width = c.measureText(label).width;
      const left = Math.min(x + 5, this.width - width - 4);
      let row = ends.findIndex((end) => end <= left);
      row = row < 0 ? this.faultRows - 1 : row;
      const isFree = ends[row] <= left;
      const y = AXIS_HEIGHT + row * FAULT_ROW + 8;
      c.strokeStyle = this.colours.fault;
      c.lineWidth = 1;
      c.globalAlpha = 0.75;
      c.setLineDash([4, 3]);
      this.line(x, y, x, this.height);
      c.setLineDash([]);
      c.globalAlpha = 1;
      if (isFree) {
        c.fillStyle = this.colours.fault;
        c.fillText(label, left, y);
        ends[row] = left + width + 10;
      }
    }
  }

  shortened(text, widthMax) {
    if (this.c.measureText(text).width <= widthMax) {
      return text;
    }
    let end = text.length;
    while (end > 1 && this.c.measureText(text.slice(0, end) + "…").width > widthMax) {
      --end;
    }
    return text.slice(0, end) + "…";
  }

  // The steps, joined in the order of time, and numbered where there is room.
  paintLifeOfRecord() {
    if (this.steps.length === 0) {
      return;
    }
    const c = this.c;
    const places = this.steps.filter((step) => step.kind !== "lost").map((step) => ({
      x: this.x(step.at), y: (this.laneOf.get(step.lane) ?? this.laneOf.get(step.lane.replace("receiver/", ""))).line, step,
    }));
    c.strokeStyle = this.colours.light;
    c.lineWidth = 2.5;
    c.beginPath();
    places.forEach(({ x, y, step }, n) => {
      (n === 0 ? c.moveTo(x, y) : c.lineTo(x, y));
      if (step.to) {
        c.lineTo(this.x(step.until), this.laneOf.get(step.to).line);
        c.moveTo(x, y);
      }
    });
    c.stroke();
    if (places.length < this.steps.length) {
      this.paintMissingRow(places[places.length - 1]);
    }
    this.paintStepNumbers(places);
  }

  // From the last that is known of a lost record to where its row should be.
  paintMissingRow({ x, y }) {
    const c = this.c;
    const sink = this.laneOf.get("sink").line;
    const end = Math.min(x + 40, this.width - 60);
    c.strokeStyle = this.colours.fault;
    c.setLineDash([5, 4]);
    c.lineWidth = 2;
    this.line(x, y, end, sink);
    c.setLineDash([]);
    this.cross(end, sink, 5);
    c.fillStyle = this.colours.fault;
    this.font(11, 600);
    c.textAlign = "left";
    c.textBaseline = "middle";
    c.fillText("no row", end + 9, sink);
  }

  paintStepNumbers(places) {
    const c = this.c;
    this.font(10, 600);
    c.textAlign = "center";
    c.textBaseline = "middle";
    const taken = [];
    places.forEach(({ x, y, step }, n) => {
      const isFree = taken.every((one) => Math.abs(one.x - x) > 15 || Math.abs(one.y - y) > 12);
      if (x < this.margin - 8 || x > this.width + 8 || !isFree) {
        return;
      }
      taken.push({ x, y });
      const isBad = step.kind === "surplus" || step.kind === "broken";
      c.fillStyle = isBad ? this.colours.fault : this.colours.light;
      c.beginPath();
      c.arc(x, y, 8, 0, 2 * Math.PI);
      c.fill();
      c.fillStyle = this.colours.paper;
      c.fillText(String(n + 1), x, y + 0.5);
    });
  }

  paintLabels() {
    const c = this.c;
    c.globalAlpha = 1;
    c.fillStyle = this.colours.paper;
    c.fillRect(0, 0, this.margin, this.height);
    c.textAlign = "left";
    c.textBaseline = "middle";
    this.lanes.forEach((lane, n) => {
      if (n % 2 === 0) {
        c.fillStyle = this.colours.band;
        c.fillRect(0, lane.top, this.margin, lane.bottom - lane.top);
      }
      c.fillStyle = this.colours.ink;
      this.font(12, 600);
      c.fillText(this.shortened(lane.label, this.margin - 10), 6, lane.line);
    });
    c.strokeStyle = this.colours.rule;
    c.lineWidth = 1;
    this.line(this.margin - 0.5, AXIS_HEIGHT, this.margin - 0.5, this.height);
    c.fillStyle = this.colours.muted;
    this.font(11);
    c.fillText("virtual time", 6, 12);
  }
}
