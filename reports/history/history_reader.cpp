#include "reports/history/history_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "reports/input/json_line.h"
#include "reports/input/whole_number.h"

namespace reports::history {
namespace {

using input::JsonKind;
using input::JsonScanner;

constexpr std::array<std::string_view, 4> kTypes{"ok", "fail", "info", "invoke"};
constexpr std::size_t kInvoke = 3;
constexpr std::array<std::string_view, 7> kActions{
    "send", "poll", "txn", "assign", "subscribe", "crash", "debug-topic-partitions"};
constexpr KeyNumber kKeys = kNobody;  // the scope of their texts

// One line, before it is known what becomes of it.
struct Draft {
  std::int64_t line = 0;
  std::int64_t invoked = 0;
  std::optional<std::int64_t> process;  // empty: that of no client
  bool is_open = false;                 // an invocation that waits for its completion
  std::size_t type = kTypes.size();
  std::size_t action = kActions.size();
  bool has_value = false;
  bool has_micro_operations = false;
  bool seeks = false;
  std::vector<Event> events;
  std::vector<std::size_t> columns;  // of each event, from 0
  std::vector<KeyNumber> keys;       // assigned
  std::vector<KeyNumber> rebalanced;

  void clear() {
    invoked = 0;
    process.reset();
    is_open = false;
    type = kTypes.size();
    action = kActions.size();
    has_value = false;
    has_micro_operations = false;
    seeks = false;
    events.clear();
    columns.clear();
    keys.clear();
    rebalanced.clear();
  }
};

class Reader {
 public:
  explicit Reader(const std::string& path) : lines_(path) {}

  History read() {
    while (input::read_json_line(lines_, [this](std::string_view line) { read_line(line); })) {
    }
    for (const Draft& open : open_) {
      if (open.is_open) {
        add(open, Outcome::kInfo);
      }
    }
    history_.process_count = static_cast<std::uint32_t>(open_.size());
    return std::move(history_);
  }

 private:
  void read_line(std::string_view line) {
    draft_.clear();
    draft_.line = lines_.number();
    scanner_.start(line);
    scanner_.open_object();
    for (std::string_view name; scanner_.next_member(name);) {
      read_field(name);
    }
    scanner_.expect_end();
    if (!draft_.process) {
      return;
    }
    check_draft();
    ++history_.line_count;
    take_draft();
  }

  void read_field(std::string_view name) {
    if (name == "type") {
      draft_.type = read_word("type", kTypes);
    } else if (name == "f") {
      draft_.action = read_action();
    } else if (name == "process") {
      read_process();
    } else if (name == "value") {
      read_value();
    } else if (name == "rebalance-log") {
      read_rebalances();
    } else if (name == "seek-to-beginning?") {
      draft_.seeks = scanner_.read_text() == "true";
    } else {
      scanner_.skip_value();
    }
  }

  template <std::size_t N>
  std::size_t read_word(std::string_view field, const std::array<std::string_view, N>& words) {
    scanner_.peek();
    const std::size_t at = scanner_.at();
    const std::string_view word = scanner_.read_text();
    const auto* const found = std::ranges::find(words, word);
    if (found == words.end()) {
      JsonScanner::refuse(at,
                          fmt::format("{} {} is not known: what is accepted is {}",
                                      field,
                                      input::quoted(word),
                                      fmt::join(words, ", ")));
    }
    return static_cast<std::size_t>(found - words.begin());
  }

  // Of what is no client, any word will do; whether it is one is not known yet.
  std::size_t read_action() {
    scanner_.peek();
    action_at_ = scanner_.at();
    const std::string_view word = scanner_.read_text();
    const auto* const found = std::ranges::find(kActions, word);
    unknown_action_ = found == kActions.end() ? input::quoted(word) : std::string();
    return static_cast<std::size_t>(found - kActions.begin());
  }

  void read_process() {
    const JsonKind kind = scanner_.peek();
    const std::size_t at = scanner_.at();
    const std::string_view text = scanner_.read_text();
    if (kind != JsonKind::kNumber) {
      return;
    }
    const auto number = input::whole_number(text);
    if (!number) {
      JsonScanner::refuse(at, fmt::format("a process has a whole number, not {}", text));
    }
    draft_.process = number;
  }

  // Micro-operations are arrays, assigned keys are not; whether that fits the operation, is known
  // when the line is read.
  void read_value() {
    if (scanner_.peek() != JsonKind::kArray) {
      scanner_.skip_value();
      return;
    }
    draft_.has_value = true;
    scanner_.open_array();
    while (scanner_.next_element()) {
      if (scanner_.peek() == JsonKind::kArray) {
        draft_.has_micro_operations = true;
        read_micro_operation();
      } else {
        draft_.keys.push_back(read_key());
      }
    }
  }

  KeyNumber read_key() { return history_.key_texts.number(kKeys, scanner_.read_text()); }

  void read_micro_operation() {
    static constexpr std::array<std::string_view, 2> kMicroOperations{"send", "poll"};
    const std::size_t at = scanner_.at();
    scanner_.open_array();
    if (!scanner_.next_element()) {
      JsonScanner::refuse(at, R"(a micro-operation is ["send", KEY, ...] or ["poll", ...])");
    }
    if (read_word("micro-operation", kMicroOperations) == 0) {
      read_send(at);
    } else if (scanner_.next_element()) {
      read_poll();
    } else {
      return;
    }
    if (scanner_.next_element()) {
      JsonScanner::refuse(scanner_.at(), "a micro-operation ends here");
    }
  }

  // KEY, VALUE, or KEY, [OFFSET or null, VALUE]
  void read_send(std::size_t at) {
    if (!scanner_.next_element()) {
      JsonScanner::refuse(at, "a send has a key");
    }
    const KeyNumber key = read_key();
    if (!scanner_.next_element()) {
      JsonScanner::refuse(at, "a send has a value");
    }
    if (scanner_.peek() == JsonKind::kArray) {
      read_pair(key, true);
    } else {
      add_event(key, true, kNoOffset);
    }
  }

  // {KEY: [[OFFSET, VALUE], ...]}, or null
  void read_poll() {
    if (scanner_.peek() == JsonKind::kNull) {
      scanner_.skip_value();
      return;
    }
    scanner_.open_object();
    for (std::string_view name; scanner_.next_member(name);) {
      const KeyNumber key = history_.key_texts.number(kKeys, name);
      scanner_.open_array();
      while (scanner_.next_element()) {
        read_pair(key, false);
      }
    }
  }

  void read_pair(KeyNumber key, bool is_send) {
    scanner_.peek();
    const std::size_t at = scanner_.at();
    scanner_.open_array();
    if (!scanner_.next_element()) {
      JsonScanner::refuse(at, "a message is [OFFSET, VALUE]");
    }
    const std::int64_t offset = read_offset();
    if (!scanner_.next_element()) {
      JsonScanner::refuse(at, "a message is [OFFSET, VALUE]");
    }
    add_event(key, is_send, offset);
    if (scanner_.next_element()) {
      JsonScanner::refuse(at, "a message is [OFFSET, VALUE]");
    }
  }

  std::int64_t read_offset() {
    const JsonKind kind = scanner_.peek();
    const std::size_t at = scanner_.at();
    const std::string_view text = scanner_.read_text();
    if (kind == JsonKind::kNull) {
      return kNoOffset;
    }
    const auto offset = input::whole_number(text);
    if (!offset || *offset < 0) {
      JsonScanner::refuse(
          at,
          fmt::format("an offset is a whole number from 0, or null, not {}", input::quoted(text)));
    }
    return *offset;
  }

  void add_event(KeyNumber key, bool is_send, std::int64_t offset) {
    scanner_.peek();
    draft_.columns.push_back(scanner_.at());
    const MessageNumber message = history_.message_texts.number(key, scanner_.read_text());
    if (message == history_.messages.size()) {
      history_.messages.push_back({.key = key});
    }
    draft_.events.push_back({.message = message, .is_send = is_send, .offset = offset});
  }

  void read_rebalances() {
    if (scanner_.peek() != JsonKind::kArray) {
      scanner_.skip_value();
      return;
    }
    scanner_.open_array();
    while (scanner_.next_element()) {
      scanner_.open_object();
      for (std::string_view name; scanner_.next_member(name);) {
        if (name != "keys") {
          scanner_.skip_value();
          continue;
        }
        scanner_.open_array();
        while (scanner_.next_element()) {
          draft_.rebalanced.push_back(read_key());
        }
      }
    }
  }

  void check_draft() const {
    if (draft_.type == kTypes.size()) {
      JsonScanner::refuse(0, "the operation has no \"type\"");
    }
    if (draft_.action == kActions.size()) {
      JsonScanner::refuse(unknown_action_.empty() ? 0 : action_at_,
                          unknown_action_.empty()
                              ? std::string("the operation has no \"f\"")
                              : fmt::format("f {} is not known: what is accepted is {}",
                                            unknown_action_,
                                            fmt::join(kActions, ", ")));
    }
    const Action action = action_of(draft_);
    const bool assigns = action == Action::kAssign || action == Action::kSubscribe;
    if (assigns && draft_.has_micro_operations) {
      JsonScanner::refuse(0, fmt::format("{} takes a list of keys", kActions[draft_.action]));
    }
    if (!assigns && action != Action::kOther && !draft_.keys.empty()) {
      JsonScanner::refuse(
          0, fmt::format("{} takes a list of micro-operations", kActions[draft_.action]));
    }
  }

  static Action action_of(const Draft& draft) {
    return static_cast<Action>(std::min(draft.action, static_cast<std::size_t>(Action::kOther)));
  }

  void take_draft() {
    Draft& open = open_[process_number(*draft_.process)];
    if (draft_.type == kInvoke) {
      if (open.is_open) {
        JsonScanner::refuse(
            0,
            fmt::format(
                "process {} is busy with what it began in line {}", *draft_.process, open.line));
      }
      draft_.is_open = true;
      draft_.invoked = draft_.line;
      std::swap(open, draft_);
      return;
    }
    draft_.invoked = open.is_open ? open.invoked : 0;
    if (open.is_open && !draft_.has_value) {
      draft_.events.swap(open.events);
      draft_.columns.swap(open.columns);
      draft_.keys.swap(open.keys);
    }
    open.is_open = false;
    add(draft_, static_cast<Outcome>(draft_.type));
  }

  std::uint32_t process_number(std::int64_t process) {
    const auto [found, is_new] =
        processes_.emplace(process, static_cast<std::uint32_t>(processes_.size()));
    if (is_new) {
      open_.emplace_back();
    }
    return found->second;
  }

  void add(const Draft& draft, Outcome outcome) {
    const auto number = static_cast<OperationNumber>(history_.operations.size());
    const Action action = action_of(draft);
    const bool assigns = action == Action::kAssign || action == Action::kSubscribe;
    const std::vector<KeyNumber>& keys = assigns ? draft.keys : draft.rebalanced;
    history_.operations.push_back(
        {.line = draft.line,
         .invoked = draft.invoked,
         .process = processes_.at(*draft.process),
         .outcome = outcome,
         .action = action,
         .seeks = draft.seeks,
         .first_event = static_cast<std::uint32_t>(history_.events.size()),
         .event_count = static_cast<std::uint32_t>(draft.events.size()),
         .first_key = static_cast<std::uint32_t>(history_.keys.size()),
         .key_count = static_cast<std::uint32_t>(keys.size())});
    history_.has_subscription |= action == Action::kSubscribe;
    history_.events.insert(history_.events.end(), draft.events.begin(), draft.events.end());
    history_.keys.insert(history_.keys.end(), keys.begin(), keys.end());
    for (std::size_t n = 0; n < draft.events.size(); ++n) {
      if (draft.events[n].is_send) {
        claim(draft, n, number);
      }
    }
  }

  void claim(const Draft& draft, std::size_t n, OperationNumber writer) {
    const MessageNumber number = draft.events[n].message;
    Message& message = history_.messages[number];
    if (message.writer != kNobody) {
      throw input::Refusal{.file = lines_.path(),
                           .line = draft.line,
                           .column = static_cast<std::int64_t>(draft.columns[n]) + 1,
                           .message = fmt::format(
                               "{} was sent to key {} in line {} already: the values of a key must "
                               "be unique",
                               input::quoted(history_.message_texts.text(number)),
                               input::quoted(history_.key_texts.text(message.key)),
                               history_.operations[message.writer].line)};
    }
    message.writer = writer;
  }

  input::LineReader lines_;
  JsonScanner scanner_;
  History history_;
  Draft draft_;
  std::size_t action_at_ = 0;
  std::string unknown_action_;
  std::unordered_map<std::int64_t, std::uint32_t> processes_;
  std::vector<Draft> open_;  // by number of process: its last invocation
};

}  // namespace

input::Accepted<History> read_history(const std::string& path) {
  try {
    return Reader(path).read();
  } catch (const input::Refusal& refusal) {
    return refusal;
  }
}

}  // namespace reports::history
