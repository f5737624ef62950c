// What a run was, from the tables of its page: who lived when, which batches and tasks there were,
// what each point means, and the life of any record.

"use strict";

// Where the effect of a point is: beside the process that reaches it, a place outside of it.
const POINTS = {
  "receiver.fetched": { place: "kafka", words: "fetched records" },
  "receiver.buffered": { words: "put records into the buffer" },
  "receiver.block_sealed": { words: "cut a block off" },
  "receiver.block_stored": { words: "has a block in memory" },
  "receiver.block_replicated": { words: "knows that a block is in a second memory" },
  "receiver.wal_appended": { place: "storage", colour: "log", words: "has a block in its log" },
  "receiver.block_reported": { words: "reported a block" },
  "receiver.block_acknowledged": { words: "was told that the driver knows a block" },
  "receiver.offsets_committed": { place: "kafka", colour: "commit", words: "committed offsets" },
  "tracker.block_added": { place: "storage", colour: "log", words: "has a block in its log" },
  "tracker.blocks_allocated": { place: "storage", colour: "log", words: "has in its log which blocks the batch has" },
  "tracker.batches_cleaned": { place: "storage", colour: "log", words: "has in its log that old batches are over" },
  "generator.batch_due": { words: "batch is due" },
  "generator.batch_planned": { words: "planned the batch" },
  "scheduler.batch_submitted": { words: "submitted the batch" },
  "checkpoint.temp_written": { place: "storage", colour: "checkpoint", words: "wrote a checkpoint under the name temp" },
  "checkpoint.backed_up": { place: "storage", colour: "checkpoint", words: "kept the checkpoint before as .bk" },
  "checkpoint.renamed": { place: "storage", colour: "checkpoint", words: "has the checkpoint under its name" },
  "scheduler.batch_completed": { words: "took the batch for complete" },
  "checkpoint.completion_written": { place: "storage", colour: "checkpoint", words: "has on disk that the batch is complete" },
  "generator.batch_processed": { words: "is done with the batch" },
  "offsets.saved": { place: "storage", colour: "commit", words: "saved the offsets of the batch" },
  "task.started": { words: "started the task" },
  "task.input_read": { place: "kafka", isReading: true, words: "read the task's input" },
  "task.output_written": { place: "sink", colour: "output", words: "wrote the output" },
  "task.output_committed": { place: "sink", colour: "output", words: "knows that the output is in the sink" },
  "task.reported": { words: "reported the task" },
  "recovery.checkpoint_read": { place: "storage", colour: "checkpoint", words: "read its last checkpoint" },
  "recovery.log_replayed": { place: "storage", colour: "log", words: "replayed its log" },
  "recovery.batches_rescheduled": { words: "gave out again what was unfinished or missed" },
  "process.started": { words: "started" },
  "process.exited": { words: "exited" },
  "process.crashed": { words: "died" },
  "driver.failed": { words: "could not start" },
  "batch.failed": { words: "gave the batch up" },
  "generation.failed": { words: "could not plan the batch" },
};

// A batch is also named by what is done to the metadata of old ones.
const BATCH_BEGINS = new Set(["generator.batch_due", "generator.batch_planned", "scheduler.batch_submitted", "tracker.blocks_allocated"]);

const SHOWS_LOST = 1;
const SHOWS_REPEATED = 2;
const SHOWS_LATE = 4;
const ROW_SURPLUS = 1;
const ROW_PHANTOM = 2;

function formatSeconds(micros, digits = 3) {
  return (micros / 1e6).toFixed(digits) + " s";
}

class RunModel {
  constructor(data) {
    this.data = data;
    this.texts = data.texts;
    this.end = Math.max(1, data.run.endedAt);
    for (const name of ["events", "messages", "plans", "inputs", "outputs", "positions"]) {
      this[name] = decodeTable(data[name]);
    }
    // One that is under way at the end of the run is so until then.
    const { sent, took } = this.messages;
    this.messages.ended = sent ? sent.map((at, i) => (took[i] < 0 ? this.end : at + took[i])) : new Float64Array();
    this.readProcesses();
    this.readLives();
    this.readBatches();
    this.readTasks();
    this.inputOf = new Map();
    for (let i = 0; i < this.inputs.rows; ++i) {
      this.inputOf.set(this.inputs.id[i], i);
    }
  }

  text(number) {
    return this.texts[number];
  }

  pointOf(event) {
    return this.text(this.events.point[event]);
  }

  batchName(at) {
    const interval = this.data.batchInterval;
    return interval > 0 ? `batch ${at / interval}` : `batch of ${formatSeconds(at)}`;
  }

  // "executor 1", and from its second life on "executor 1 #2".
  processName(process, life) {
    const name = process.replace(":", " ");
    return life > 1 ? `${name} #${life}` : name;
  }

  readProcesses() {
    const names = new Set();
    this.receiving = new Set();
    for (let i = 0; i < this.events.rows; ++i) {
      const name = this.text(this.events.process[i]);
      names.add(name);
      if (this.pointOf(i).startsWith("receiver.")) {
        this.receiving.add(name);
      }
    }
    const order = (name) => (name === "driver" ? 0 : 1);
    this.processes = [...names]
      .filter((name) => name === "driver" || name.startsWith("executor"))
      .sort((a, b) => order(a) - order(b) || a.localeCompare(b, "en", { numeric: true }));
  }

  // {process, life, from, until, crashed}
  readLives() {
    this.lives = [];
    const open = new Map();
    const events = this.events;
    for (let i = 0; i < events.rows; ++i) {
      const point = this.pointOf(i);
      const process = this.text(events.process[i]);
      if (point === "process.started") {
        const life = { process, life: events.life[i], from: events.at[i], until: this.end, ended: "" };
        this.lives.push(life);
        open.set(process, life);
      } else if ((point === "process.crashed" || point === "process.exited") && open.has(process)) {
        const life = open.get(process);
        life.until = events.at[i];
        life.ended = point === "process.crashed" ? "crashed" : "exited";
        open.delete(process);
      }
    }
  }

  endOfLife(process, number) {
    const life = this.lives.find((one) => one.process === process && one.life === number);
    return life ? life.until : this.end;
  }

  driverLifeAt(at) {
    let number = 1;
    for (const life of this.lives) {
      if (life.process === "driver" && life.from <= at) {
        number = life.life;
      }
    }
    return number;
  }

  // {batch, life, from, until, planned, done}: from the first to the last that a driver life says.
  readBatches() {
    const events = this.events;
    const spans = new Map();
    for (let i = 0; i < events.rows; ++i) {
      const point = this.pointOf(i);
      if (this.text(events.process[i]) !== "driver" || events.batch[i] < 0) {
        continue;
      }
      const key = `${events.life[i]}/${events.batch[i]}`;
      if (!spans.has(key) && BATCH_BEGINS.has(point)) {
        spans.set(key, {
          batch: events.batch[i], life: events.life[i], from: events.at[i],
          until: events.at[i], planned: -1, done: false, failed: false,
        });
      }
      const span = spans.get(key);
      if (!span) {
        continue;
      }
      if (span.planned < 0 && (point === "generator.batch_planned" || point === "scheduler.batch_submitted")) {
        span.planned = events.at[i];
      }
      if (!span.done) {
        span.until = events.at[i];
      }
      span.done = span.done || point === "generator.batch_processed";
      span.failed = span.failed || point === "batch.failed" || point === "generation.failed";
    }
    this.batches = [...spans.values()];
    for (const span of this.batches) {
      if (!span.done && !span.failed) {
        span.until = this.endOfLife("driver", span.life);
      }
    }
    assignRows(this.batches, 4);
  }

  // {process, life, batch, task, attempt, from, until, committed, ended}
  readTasks() {
    const events = this.events;
    const open = new Map();
    this.tasks = [];
    for (let i = 0; i < events.rows; ++i) {
      const point = this.pointOf(i);
      if (!point.startsWith("task.")) {
        continue;
      }
      const process = this.text(events.process[i]);
      const key = `${process}/${events.life[i]}/${events.batch[i]}/${events.task[i]}/${events.attempt[i]}`;
      if (point === "task.started" || !open.has(key)) {
        const task = {
          process, life: events.life[i], batch: events.batch[i], task: events.task[i],
          attempt: events.attempt[i], from: events.at[i], until: events.at[i], committed: -1, ended: false,
        };
        open.set(key, task);
        this.tasks.push(task);
      }
      const task = open.get(key);
      task.until = events.at[i];
      if (point === "task.output_committed") {
        task.committed = events.at[i];
      }
      task.ended = point === "task.reported";
    }
    const byProcess = new Map(this.processes.map((name) => [name, []]));
    for (const task of this.tasks) {
      if (!task.ended) {
        task.until = Math.max(task.until, Math.min(this.endOfLife(task.process, task.life), this.end));
      }
      byProcess.get(task.process)?.push(task);
    }
    for (const tasks of byProcess.values()) {
      assignRows(tasks, 4);
    }
  }

  // --- The life of a record --------------------------------------------------------------------

  // Steps in the order of time: {at, lane, words, kind}. `kind` is what it is drawn as; a message has
  // {until, to} as well, when and where it arrives.
  lifeOf(record) {
    const input = this.inputOf.get(record);
    if (input === undefined) {
      return [];
    }
    const steps = [];
    const partition = this.inputs.partition[input];
    const offset = this.inputs.offset[input];
    const add = (at, lane, words, kind = "", arrival = {}) => steps.push({ at, lane, words, kind, ...arrival });
    add(this.inputs.produced[input], "kafka", `Kafka has it: partition ${partition}, offset ${offset}`);
    this.addFetches(partition, offset, add);
    this.addBlocks(partition, offset, add);
    this.addPlans(partition, offset, add);
    this.addRows(record, add);
    steps.sort((a, b) => a.at - b.at);
    if ((this.inputs.shows[input] & SHOWS_LOST) !== 0) {
      steps.push({ at: this.end, lane: "sink", words: "the run ends: no row of it is in the sink", kind: "lost" });
    }
    return steps;
  }

  // A receiver passes the record when its position moves from before it to behind it.
  addFetches(partition, offset, add) {
    const positions = this.positions;
    const last = new Map();
    for (let i = 0; i < positions.rows; ++i) {
      if (positions.partition[i] !== partition) {
        continue;
      }
      const who = `${positions.process[i]}/${positions.life[i]}`;
      const before = last.get(who);
      last.set(who, positions.until[i]);
      if (before !== undefined && before <= offset && positions.until[i] > offset) {
        const process = this.text(positions.process[i]);
        add(positions.at[i], "receiver/" + process,
            `the receiver on ${this.processName(process, positions.life[i])} fetches it`);
      }
    }
  }

  addBlocks(partition, offset, add) {
    const messages = this.messages;
    const blocks = new Set();
    const holds = (ranges) => ranges.some(([p, from, until]) => p === partition && from <= offset && offset < until);
    for (let i = 0; i < messages.rows; ++i) {
      const ranges = messages.ranges[i];
      if (ranges > 0 && this.text(ranges).endsWith("]") && holds(JSON.parse(this.text(ranges)))) {
        blocks.add(messages.block[i]);
      }
    }
    for (let p = 0; p < this.plans.rows; ++p) {
      if (this.plans.block[p] > 0 && this.planHolds(p, partition, offset)) {
        blocks.add(this.plans.block[p]);
      }
    }
    for (let i = 0; i < messages.rows; ++i) {
      if (messages.block[i] > 0 && blocks.has(messages.block[i])) {
        this.addMessage(i, add);
      }
    }
  }

  addMessage(message, add) {
    const messages = this.messages;
    const block = `block ${this.text(messages.block[message])}`;
    const words = {
      replicate_block: `sends ${block} with it to a second memory`,
      block_replicated: `answers what became of the copy of ${block}`,
      add_block: `reports ${block} with it to the driver`,
      block_added: `answers whether it has ${block} in its log`,
      fetch_block: `asks for ${block}`,
      block_fetched: `answers with ${block}, or without`,
      block_stored: `tells the driver that it has ${block}`,
    }[this.text(messages.kind[message])];
    if (!words) {
      return;
    }
    const who = this.processName(this.text(messages.from[message]), messages.fromLife[message]);
    const fate = this.text(messages.fate[message]);
    if (fate === "arrived") {
      add(messages.sent[message], this.text(messages.from[message]), `${who} ${words}`, "message",
          { until: messages.ended[message], to: this.text(messages.to[message]) });
    } else {
      add(messages.sent[message], this.text(messages.from[message]), `${who} ${words}: ${FATES[fate]}`, "broken");
    }
  }

  planHolds(plan, partition, offset) {
    const plans = this.plans;
    return plans.partition[plan] === partition && plans.from[plan] <= offset && offset < plans.until[plan];
  }

  addPlans(partition, offset, add) {
    const plans = this.plans;
    const told = new Set();
    for (let p = 0; p < plans.rows; ++p) {
      const key = `${plans.life[p]}/${plans.batch[p]}/${plans.task[p]}`;
      if (!this.planHolds(p, partition, offset) || told.has(key)) {
        continue;
      }
      told.add(key);
      const span = this.batches.find((one) => one.batch === plans.batch[p] && one.life === plans.life[p]);
      if (span) {
        const source = plans.block[p] > 0 ? `block ${this.text(plans.block[p])}`
          : `partition ${partition} from ${plans.from[p]} to ${plans.until[p]}`;
        const driver = plans.life[p] > 1 ? `driver #${plans.life[p]}` : "driver";
        add(span.planned < 0 ? span.from : span.planned, "driver",
            `${driver} plans ${this.batchName(plans.batch[p])} with it: ${source}`, "plan");
      }
      this.addTasks(plans.batch[p], plans.task[p], plans.life[p], add);
    }
  }

  // A task belongs to the plan of the driver life in which it started.
  addTasks(batch, number, life, add) {
    for (const task of this.tasks) {
      if (task.batch !== batch || task.task !== number || this.driverLifeAt(task.from) !== life) {
        continue;
      }
      const who = this.processName(task.process, task.life);
      const name = `task ${number} of ${this.batchName(batch)}`;
      add(task.from, task.process, `${who} starts ${name}, attempt ${task.attempt}`, "task");
      if (task.committed >= 0) {
        add(task.committed, task.process, `${who} takes the output of ${name} for committed`, "task");
      } else if (!task.ended) {
        add(task.until, task.process, `${name} never comes to its end`, "broken");
      }
    }
  }

  addRows(record, add) {
    const outputs = this.outputs;
    for (let i = 0; i < outputs.rows; ++i) {
      if (outputs.record[i] === record) {
        const surplus = (outputs.shows[i] & ROW_SURPLUS) !== 0;
        const who = this.processName(this.text(outputs.process[i]), outputs.life[i]);
        add(outputs.written[i], "sink",
            `${who} writes it for ${this.batchName(outputs.batch[i])}: ` +
            (surplus ? "a row too many" : "a row in the sink"), surplus ? "surplus" : "row");
      }
    }
  }
}

const FATES = {
  lost: "the network loses it",
  cut: "the link is cut",
  nobody: "nobody is there any more",
  "under-way": "still under way when the run ends",
};

// Spans that overlap are put into different rows, `rowsMax` at most.
function assignRows(spans, rowsMax) {
  spans.sort((a, b) => a.from - b.from || a.until - b.until);
  const free = [];
  for (const span of spans) {
    let row = free.findIndex((until) => until <= span.from);
    if (row < 0) {
      row = free.length < rowsMax ? free.length : free.indexOf(Math.min(...free));
    }
    free[row] = span.until;
    span.row = row;
  }
}
