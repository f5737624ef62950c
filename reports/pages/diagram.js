// The space-time diagram on a page: its view is moved and zoomed, by pointer and by keys, and the
// life of a record is lit.

"use strict";

class Diagram extends DiagramPicture {
  constructor(canvas, model, listeners) {
    super(model);
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.listeners = listeners;  // {selected(record, steps), pointed(item, x, y)}
    this.paintTimes = [];
    this.resize();
    this.listen();
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    this.width = this.canvas.parentElement.clientWidth;
    this.margin = this.width < 560 ? 84 : 104;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.canvas.style.height = this.height + "px";
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.repaint();
  }

  // --- The view --------------------------------------------------------------------------------

  // Never less than a few messages wide, nor wider than the run.
  showPlaces(left, right) {
    const shortest = 200;
    const margin = 0.01 * this.axis.end;
    const span = Math.min(this.axis.end + 2 * margin, Math.max(shortest, right - left));
    const middle = (left + right) / 2;
    this.left = Math.max(-margin, Math.min(middle - span / 2, this.axis.end + margin - span));
    this.right = this.left + span;
    this.from = this.axis.timeOf(this.left);
    this.until = this.axis.timeOf(this.right);
    this.repaint();
  }

  show(from, until) {
    this.showPlaces(this.axis.placeOf(from), this.axis.placeOf(until));
  }

  zoom(factor, at = undefined) {
    const middle = at === undefined ? (this.left + this.right) / 2 : this.axis.placeOf(at);
    this.showPlaces(middle - (middle - this.left) / factor, middle + (this.right - middle) / factor);
  }

  pan(part) {
    const by = part * (this.right - this.left);
    this.showPlaces(this.left + by, this.right + by);
  }

  showAll() {
    this.show(0, this.model.end);
  }

  squeeze(squeezed) {
    const [from, until] = [this.from, this.until];
    this.axis.squeezed = squeezed;
    this.show(from, until);
  }

  select(record) {
    this.record = record;
    this.steps = record < 0 ? [] : this.model.lifeOf(record);
    const told = this.steps.filter((step) => step.kind !== "lost");
    if (told.length > 0) {
      const [from, until] = [told[0], told[told.length - 1]].map((step) => this.axis.placeOf(step.at));
      const span = Math.max(until - from, this.axis.end / 20);
      this.showPlaces(from - span * 0.12, until + span * 0.18);
    }
    this.repaint();
    this.listeners.selected(record, this.steps);
  }

  repaint() {
    if (!this.pending) {
      this.pending = requestAnimationFrame(() => {
        this.pending = 0;
        const begin = performance.now();
        this.paint(this.context, coloursOf(this.canvas));
        this.paintTimes.push(performance.now() - begin);
        if (this.paintTimes.length > 500) {
          this.paintTimes.shift();
        }
      });
    }
  }

  // The picture as it is now, in the colours of print.
  svg() {
    const picture = new SvgCanvas(this.width, this.height, this.context);
    const light = document.createElement("div");
    light.className = "print-colours";
    document.body.append(light);
    this.paint(picture, coloursOf(light));
    light.remove();
    return picture.toString();
  }

  // --- Pointing --------------------------------------------------------------------------------

  // {words, record} of what is nearest, or nothing.
  itemAt(x, y) {
    const lane = this.lanes.find((one) => y >= one.top && y < one.bottom);
    if (!lane || x < this.margin) {
      return undefined;
    }
    return this.recordAt(lane, x, y) ?? this.pointAt(lane, x, y) ?? this.spanAt(lane, x, y) ?? this.messageAt(x, y);
  }

  placeOfInput(record) {
    return { x: this.x(this.model.inputs.produced[this.model.inputOf.get(record)]), y: this.laneOf.get("kafka").line };
  }

  nearest(rows, times, x, isCandidate = () => true) {
    let best = -1;
    let distance = 6;
    for (let i = 0; i < rows; ++i) {
      const away = Math.abs(this.x(times[i]) - x);
      if (away < distance && isCandidate(i)) {
        distance = away;
        best = i;
      }
    }
    return best;
  }

  recordAt(lane, x, y) {
    const { inputs, outputs } = this.model;
    if (Math.abs(y - lane.line) > 9) {
      return undefined;
    }
    if (lane.id === "kafka") {
      const found = this.nearest(inputs.rows, inputs.produced, x, (i) => (inputs.shows[i] & SHOWS_LOST) !== 0);
      const i = found < 0 ? this.nearest(inputs.rows, inputs.produced, x) : found;
      return i < 0 ? undefined : {
        record: inputs.id[i],
        words: `record ${inputs.id[i]}, in Kafka at ${formatSeconds(inputs.produced[i], 6)}` +
          `${(inputs.shows[i] & SHOWS_LOST) !== 0 ? ": lost" : ""}. Click: its life`,
      };
    }
    if (lane.id === "sink") {
      const found = this.nearest(outputs.rows, outputs.written, x, (i) => outputs.shows[i] !== 0);
      const i = found < 0 ? this.nearest(outputs.rows, outputs.written, x) : found;
      return i < 0 ? undefined : {
        record: outputs.record[i],
        words: outputs.record[i] < 0 ? `row ${outputs.n[i]}: ${this.model.text(outputs.key[i])}`
          : `row of record ${outputs.record[i]}, written at ${formatSeconds(outputs.written[i], 6)}` +
            `${(outputs.shows[i] & ROW_SURPLUS) !== 0 ? ": a row too many" : ""}. Click: its life`,
      };
    }
    return undefined;
  }

  pointAt(lane, x, y) {
    if (Math.abs(y - lane.line) > 9) {
      return undefined;
    }
    const events = this.model.events;
    const [first, last] = this.visibleEvents();
    let best = -1;
    let distance = 5;
    for (let i = first; i < last; ++i) {
      const style = this.pointStyles[events.point[i]];
      const away = Math.abs(this.x(events.at[i]) - x);
      if (away < distance && style && (this.laneOfPoint(i) === lane || this.placeOf(style) === lane.id)) {
        distance = away;
        best = i;
      }
    }
    return best < 0 ? undefined : { words: this.wordsOfEvent(best) };
  }

  wordsOfEvent(i) {
    const { events } = this.model;
    const name = this.model.pointOf(i);
    const about = [
      events.batch[i] >= 0 ? this.model.batchName(events.batch[i]) : "",
      events.task[i] >= 0 ? `task ${events.task[i]}, attempt ${events.attempt[i]}` : "",
      this.model.text(events.error[i]),
    ].filter((part) => part !== "");
    const who = this.model.processName(this.model.text(events.process[i]), events.life[i]);
    return `${formatSeconds(events.at[i], 6)}  ${who} ${POINTS[name].words}` +
      `${about.length > 0 ? ` (${about.join(", ")})` : ""}\n${name}`;
  }

  spanAt(lane, x, y) {
    const at = this.timeAt(x);
    const row = Math.floor((lane.line - 8 - y) / SPAN_ROW);
    const spans = lane.id === "driver" ? this.model.batches : this.model.tasks.filter((one) => one.process === lane.id);
    const span = spans.find((one) => one.row === row && one.from <= at && at <= one.until);
    if (!span) {
      return undefined;
    }
    const name = span.task === undefined ? this.model.batchName(span.batch)
      : `task ${span.task} of ${this.model.batchName(span.batch)}, attempt ${span.attempt}`;
    const finished = span.done || span.ended;
    return {
      words: `${name}: ${formatSeconds(span.from)} to ${formatSeconds(span.until)} ` +
        `(${formatSeconds(span.until - span.from)})${finished ? "" : ", not finished"}`,
    };
  }

  messageAt(x, y) {
    const messages = this.model.messages;
    let best = -1;
    let distance = 5;
    this.eachMessage((i) => {
      const [from, to] = this.lanesOfMessage(i);
      if (!from || !to || from === to || (y - from.line) * (y - to.line) > 0) {
        return;
      }
      const part = (y - from.line) / (to.line - from.line);
      const away = Math.abs(this.x(messages.sent[i] + part * Math.max(0, messages.took[i])) - x);
      if (away < distance) {
        distance = away;
        best = i;
      }
    });
    return best < 0 ? undefined : { words: this.wordsOfMessage(best) };
  }

  wordsOfMessage(i) {
    const messages = this.model.messages;
    const name = (column, life) => this.model.processName(this.model.text(column[i]), life[i]);
    const fate = this.model.text(messages.fate[i]);
    const about = [
      messages.batch[i] >= 0 ? this.model.batchName(messages.batch[i]) : "",
      messages.task[i] >= 0 ? `task ${messages.task[i]}` : "",
      messages.block[i] > 0 ? `block ${this.model.text(messages.block[i])}` : "",
      this.model.text(messages.error[i]),
    ].filter((part) => part !== "");
    return `${formatSeconds(messages.sent[i], 6)}  ${this.model.text(messages.kind[i])}` +
      `${about.length > 0 ? ` (${about.join(", ")})` : ""}\n` +
      `${name(messages.from, messages.fromLife)} to ${name(messages.to, messages.toLife)}, ` +
      (fate === "arrived" ? `${(messages.took[i] / 1000).toFixed(3)} ms` : FATES[fate]);
  }

  listen() {
    const canvas = this.canvas;
    const pointers = new Map();
    let moved = 0;
    const place = (event) => [event.offsetX, event.offsetY];
    canvas.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, event.offsetX);
      moved = 0;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!pointers.has(event.pointerId)) {
        const item = this.itemAt(...place(event));
        canvas.style.cursor = item && item.record >= 0 ? "pointer" : "grab";
        this.listeners.pointed(item, ...place(event));
        return;
      }
      const before = [...pointers.values()];
      pointers.set(event.pointerId, event.offsetX);
      const after = [...pointers.values()];
      moved += Math.abs(after[0] - before[0]);
      if (pointers.size === 1) {
        this.pan((before[0] - after[0]) / (this.width - this.margin));
      } else {
        const middle = this.timeAt((after[0] + after[1]) / 2);
        this.zoom(Math.max(1, Math.abs(after[0] - after[1])) / Math.max(1, Math.abs(before[0] - before[1])), middle);
      }
    });
    const release = (event) => pointers.delete(event.pointerId);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerup", (event) => {
      release(event);
      if (moved < 4) {
        const item = this.itemAt(...place(event));
        this.listeners.pointed(item, ...place(event));
        if (item && item.record >= 0) {
          this.select(item.record);
        }
      }
    });
    canvas.addEventListener("pointerleave", () => this.listeners.pointed(undefined, 0, 0));
    canvas.addEventListener("wheel", (event) => this.turnWheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.pressKey(event));
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
  }

  // The page scrolls as ever, unless the diagram has the focus or a key says that it is meant.
  turnWheel(event) {
    const isMeant = event.ctrlKey || event.metaKey || event.shiftKey || document.activeElement === this.canvas;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      this.pan(event.deltaX / (this.width - this.margin));
    } else if (isMeant) {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 300), this.timeAt(event.offsetX));
    }
  }

  pressKey(event) {
    const actions = {
      ArrowLeft: () => this.pan(-0.15),
      ArrowRight: () => this.pan(0.15),
      "+": () => this.zoom(1.5),
      "=": () => this.zoom(1.5),
      "-": () => this.zoom(1 / 1.5),
      0: () => this.showAll(),
      Home: () => this.showAll(),
      Escape: () => this.select(-1),
    };
    const action = actions[event.key];
    if (action && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      action();
    }
  }
}
