#include "reports/history/operation_graph.h"

#include <algorithm>
#include <deque>

#include <boost/graph/strong_components.hpp>
#include <boost/property_map/property_map.hpp>
#include <boost/range/iterator_range.hpp>

namespace reports::history {
namespace {

constexpr std::uint32_t kNowhere = kNobody;
constexpr std::size_t kStepsMax = 1'000'000;  // for one shortest cycle, before any will do

class Edges {
 public:
  Edges(const History& history, const Logs& logs) : history_(history), logs_(logs) {}

  Precedences list(std::uint8_t why) {
    list_.operations = static_cast<std::uint32_t>(history_.operations.size());
    list_.vertices = list_.operations;
    if ((why & kPolls) != 0) {
      list_polls();
    }
    if ((why & kSends) != 0) {
      list_sends();
    }
    if ((why & kProcesses) != 0) {
      list_processes();
    }
    if ((why & kTime) != 0) {
      list_time();
    }
    return std::move(list_);
  }

 private:
  [[nodiscard]] bool is_ok(OperationNumber number) const {
    return history_.operations[number].outcome == Outcome::kOk;
  }

  // Empty: nobody whose sending was proved. A failed send that was polled is another anomaly.
  [[nodiscard]] std::optional<OperationNumber> writer_of(MessageNumber message) const {
    const OperationNumber writer = history_.messages[message].writer;
    const bool is_known = writer != kNobody && logs_.took_effect(history_.operations[writer]);
    return is_known ? std::optional(writer) : std::nullopt;
  }

  void add(OperationNumber from, OperationNumber to) {
    list_.edges.emplace_back(from, to);
    list_.has_way_back |= from > to;
  }

  void list_polls() {
    for (OperationNumber reader = 0; reader < list_.operations; ++reader) {
      const Operation& operation = history_.operations[reader];
      if (!logs_.took_effect(operation)) {
        continue;
      }
      for (const Event& event : history_.events_of(operation)) {
        const auto writer = event.is_send ? std::nullopt : writer_of(event.message);
        if (writer && *writer != reader) {
          add(*writer, reader);
        }
      }
    }
  }

  void list_sends() {
    for (KeyNumber key = 0; key < history_.key_texts.size(); ++key) {
      std::optional<OperationNumber> last;
      for (const Sight& sight : logs_.sights(key)) {
        const auto writer = writer_of(sight.message);
        if (last && writer && *writer != *last) {
          add(*last, *writer);
        }
        last = writer ? writer : last;
      }
    }
  }

  void list_processes() {
    std::vector<std::uint32_t> last(history_.process_count, kNowhere);
    for (OperationNumber number = 0; number < list_.operations; ++number) {
      std::uint32_t& before = last[history_.operations[number].process];
      if (before != kNowhere) {
        list_.edges.emplace_back(before, number);
      }
      if (is_ok(number)) {
        const std::uint32_t instant = list_.vertices++;
        list_.edges.emplace_back(number, instant);
        if (before != kNowhere) {
          list_.edges.emplace_back(before, instant);
        }
        before = instant;
      }
    }
  }

  // Completions stand in the order of their lines.
  void list_time() {
    const std::uint32_t first = list_.vertices;
    std::vector<std::int64_t> acknowledgements;
    for (OperationNumber number = 0; number < list_.operations; ++number) {
      if (!is_ok(number)) {
        continue;
      }
      const std::uint32_t instant = list_.vertices++;
      list_.edges.emplace_back(number, instant);
      if (instant > first) {
        list_.edges.emplace_back(instant - 1, instant);
      }
      acknowledgements.push_back(history_.operations[number].line);
    }
    for (OperationNumber number = 0; number < list_.operations; ++number) {
      const auto later =
          std::ranges::lower_bound(acknowledgements, history_.operations[number].invoked);
      const auto before = static_cast<std::uint32_t>(later - acknowledgements.begin());
      if (before > 0) {
        list_.edges.emplace_back(first + before - 1, number);
      }
    }
  }

  const History& history_;
  const Logs& logs_;
  Precedences list_;
};

}  // namespace

Precedences precedences_of(const History& history, const Logs& logs, std::uint8_t why) {
  return Edges(history, logs).list(why);
}

OperationGraph::OperationGraph(const Precedences& precedences)
    : operations_(precedences.operations),
      graph_(boost::edges_are_unsorted_multi_pass,
             precedences.edges.begin(),
             precedences.edges.end(),
             precedences.vertices) {}

std::vector<OperationGraph::Component> OperationGraph::contradictory() const {
  std::vector<std::uint32_t> component_of(boost::num_vertices(graph_));
  const auto count =
      boost::strong_components(graph_,
                               boost::make_iterator_property_map(
                                   component_of.begin(), boost::get(boost::vertex_index, graph_)));
  std::vector<std::uint32_t> sizes(count);
  for (OperationNumber number = 0; number < operations_; ++number) {
    ++sizes[component_of[number]];
  }
  std::vector<Component> found;
  std::vector<std::uint32_t> place(count, kNowhere);
  for (OperationNumber number = 0; number < operations_; ++number) {
    const std::uint32_t component = component_of[number];
    if (sizes[component] < 2) {
      continue;
    }
    if (place[component] == kNowhere) {
      place[component] = static_cast<std::uint32_t>(found.size());
      found.emplace_back();
    }
    found[place[component]].push_back(number);
  }
  return found;
}

std::vector<OperationNumber> OperationGraph::shortest_cycle(const Component& component) {
  std::vector<OperationNumber> best;
  parents_.resize(boost::num_vertices(graph_), kNowhere);
  distances_.resize(boost::num_vertices(graph_), kNowhere);
  steps_ = 0;
  for (const OperationNumber start : component) {
    if (best.size() == 2 || (!best.empty() && steps_ > kStepsMax)) {
      break;
    }
    std::vector<OperationNumber> cycle =
        cycle_through(start, best.empty() ? component.size() + 1 : best.size());
    if (!cycle.empty()) {
      best = std::move(cycle);
    }
  }
  std::ranges::rotate(best, std::ranges::min_element(best));
  return best;
}

// Breadth first. Instants cost nothing, so they go to the front of the queue; since all edges into
// a vertex cost the same, the first walk that reaches one is the shortest. Walks that leave the
// component never come back to its start.
std::vector<OperationNumber> OperationGraph::cycle_through(OperationNumber start,
                                                           std::size_t shorter_than) {
  std::deque<std::uint32_t> queue{start};
  std::optional<std::uint32_t> last;
  reached_.assign({start});
  distances_[start] = 1;
  while (!queue.empty() && !last) {
    const std::uint32_t from = queue.front();
    queue.pop_front();
    for (const auto edge : boost::make_iterator_range(boost::out_edges(from, graph_))) {
      const std::uint32_t to = boost::target(edge, graph_);
      ++steps_;
      if (to == start) {
        last = from;
        break;
      }
      const bool is_instant = to >= operations_;
      const std::uint32_t distance = distances_[from] + (is_instant ? 0 : 1);
      if (distances_[to] != kNowhere || distance >= shorter_than) {
        continue;
      }
      distances_[to] = distance;
      parents_[to] = from;
      reached_.push_back(to);
      is_instant ? queue.push_front(to) : queue.push_back(to);
    }
  }
  std::vector<OperationNumber> cycle;
  if (last) {
    cycle = path_to(*last);
  }
  for (const std::uint32_t vertex : reached_) {
    distances_[vertex] = kNowhere;
    parents_[vertex] = kNowhere;
  }
  return cycle;
}

// The operations on the walk that ends there.
std::vector<OperationNumber> OperationGraph::path_to(std::uint32_t end) const {
  std::vector<OperationNumber> path;
  for (std::uint32_t vertex = end; vertex != kNowhere; vertex = parents_[vertex]) {
    if (vertex < operations_) {
      path.push_back(vertex);
    }
  }
  std::ranges::reverse(path);
  return path;
}

}  // namespace reports::history
