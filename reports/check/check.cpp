#include "reports/check/check.h"

#include <array>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "reports/check/record_judge.h"
#include "reports/check/record_source.h"

namespace reports::check {
namespace {

using Descriptions = std::map<Place, Description>;

class Checker {
 public:
  Checker(const Question& question, const std::function<void(const std::string& path)>& begin_file)
      : question_(question), begin_file_(begin_file), interpreter_(question) {
    for (const auto* const files : {&question.inputs, &question.outputs}) {
      if (files->size() > Place::kFilesMax) {
        throw input::Refusal{.file = files->front(), .message = "too many files"};
      }
    }
  }

  Answer run() {
    if (question_.aggregate == AggregateKind::kNone) {
      judge_records();
    } else {
      judge_aggregate();
    }
    return std::move(answer_);
  }

 private:
  void judge_records() {
    RecordJudge judge(interpreter_.ranks());
    for_each_sighting(Side::kInput, judge, [&](const Record& record, const Sighting& sighting) {
      const Place first = judge.add_input(sighting);
      if (!first.is_none() && question_.identity != Identity::kKeyValue) {
        refuse_repeated(record, sighting.place, first);
      }
    });
    Descriptions outputs;
    for_each_sighting(Side::kOutput, judge, [&](const Record& record, const Sighting& sighting) {
      if (judge.add_output(sighting)) {
        outputs.emplace(sighting.place, interpreter_.describe(record));
      }
    });
    const RecordFindings findings = judge.finish();
    answer_.output = {.lost = findings.lost, .duplicated = findings.duplicated};
    answer_.phantom = findings.phantom;
    answer_.reordered = findings.reordered;
    Descriptions inputs;
    for (const Finding& finding : findings.lost_examples) {
      inputs[finding.other] = {};
    }
    look_again(Side::kInput, inputs);
    give_examples(findings, inputs, outputs);
  }

  void judge_aggregate() {
    AggregateJudge judge;
    for_each(Side::kInput, [&](const Record& record, Place place) {
      const Digest key = interpreter_.key(record);
      judge.add_input(key, interpreter_.amount(record), place);
    });
    for_each(Side::kOutput, [&](const Record& record, Place place) {
      const Digest key = interpreter_.key(record);
      judge.add_output(key, interpreter_.value(record), place);
    });
    const AggregateFindings findings = judge.finish();
    answer_.wrong = findings.wrong;
    Descriptions inputs;
    Descriptions outputs;
    for (const WrongKey& wrong : findings.examples) {
      (wrong.input.is_none() ? outputs[wrong.output] : inputs[wrong.input]) = {};
    }
    look_again(Side::kInput, inputs);
    look_again(Side::kOutput, outputs);
    for (const WrongKey& wrong : findings.examples) {
      answer_.examples.wrong.push_back(
          {.record = wrong.input.is_none() ? outputs[wrong.output] : inputs[wrong.input],
           .input = where(Side::kInput, wrong.input),
           .output = where(Side::kOutput, wrong.output),
           .later = {},
           .expected = wrong.expected,
           .found = wrong.found});
    }
  }

  [[nodiscard]] const std::vector<std::string>& files(Side side) const {
    return side == Side::kInput ? question_.inputs : question_.outputs;
  }

  template <class Use>
  void for_each(Side side, Use use) {
    std::int64_t& count = side == Side::kInput ? answer_.inputs : answer_.outputs;
    for (std::size_t file = 0; file < files(side).size(); ++file) {
      const std::string& path = files(side)[file];
      begin_file_(path);
      interpreter_.set_file(path);
      const auto source = open_source(path, interpreter_.wanted(side));
      for (Record record; source->next(record);) {
        ++count;
        use(record, Place(file, record.line));
      }
    }
  }

  // The records that are read, but not yet judged. The judge looks each up in a table that is far
  // larger than any cache; while they wait here, the memory for it is on its way.
  struct Waiting {
    KeptRecord record;
    Sighting sighting;
  };

  template <class Use>
  void for_each_sighting(Side side, const RecordJudge& judge, Use use) {
    std::array<Waiting, 16> waiting;
    std::size_t read = 0;
    std::size_t used = 0;
    const auto use_next = [&] {
      const Waiting& next = waiting[used % waiting.size()];
      use(next.record.record(), next.sighting);
      ++used;
    };
    const auto use_all = [&] {
      for (std::size_t left = read - used; left > 0; --left) {
        use_next();
      }
    };
    try {
      for_each(side, [&](const Record& record, Place place) {
        if (read - used == waiting.size()) {
          use_next();
        }
        Waiting& next = waiting[read % waiting.size()];
        next.sighting = interpreter_.sighting(record, side);
        next.sighting.place = place;
        next.record.keep(record);
        judge.announce(next.sighting);
        ++read;
      });
    } catch (const input::Refusal&) {
      use_all();  // the first line to be refused may be among them
      throw;
    }
    use_all();
  }

  [[noreturn]] void refuse_repeated(const Record& record, Place place, Place first) const {
    const Where there = *where(Side::kInput, first);
    const Field field = question_.identity == Identity::kId ? Field::kId : Field::kOffset;
    throw input::Refusal{
        .file = question_.inputs[place.file()],
        .line = record[field].line,
        .column = record[field].column,
        .message = fmt::format("this {} names one input record, and {}:{} is another that has it",
                               to_string(field),
                               there.file,
                               there.line)};
  }

  [[nodiscard]] std::optional<Where> where(Side side, Place place) const {
    if (place.is_none()) {
      return std::nullopt;
    }
    return Where{.file = files(side)[place.file()], .line = place.line()};
  }

  // Describes the records at these places. What the judge keeps of an input says nothing to people,
  // and of ten million all texts would be too much to keep for ten examples: so they are read
  // again, as far as needed. A pipe cannot be, and a file may have changed: then a place is all.
  void look_again(Side side, Descriptions& places) {
    for (std::size_t file = 0; file < files(side).size(); ++file) {
      const auto begin = places.lower_bound(Place(file, 0));
      const auto end = places.lower_bound(Place(file + 1, 0));
      if (begin == end || !can_be_read_again(files(side)[file])) {
        continue;
      }
      try {
        describe(*open_source(files(side)[file], interpreter_.wanted(side)), file, begin, end);
      } catch (const input::Refusal&) {
        continue;
      }
    }
  }

  void describe(RecordSource& source,
                std::size_t file,
                Descriptions::iterator next,
                Descriptions::iterator end) const {
    for (Record record; next != end && source.next(record);) {
      if (Place(file, record.line) == next->first) {
        next->second = interpreter_.describe(record);
        ++next;
      }
    }
  }

  // A name that is no file is that of a table.
  static bool can_be_read_again(const std::string& path) {
    std::error_code error;
    const auto type = std::filesystem::status(path, error).type();
    return path != "-" && (type == std::filesystem::file_type::regular ||
                           type == std::filesystem::file_type::not_found);
  }

  void give_examples(const RecordFindings& findings,
                     const Descriptions& inputs,
                     const Descriptions& outputs) {
    for (const Finding& finding : findings.lost_examples) {
      Example& example = answer_.examples.lost.emplace_back();
      example.record = inputs.at(finding.other);
      example.input = where(Side::kInput, finding.other);
    }
    const auto of_output = [&](std::vector<Example>& examples, const Finding& finding) -> Example& {
      Example& example = examples.emplace_back();
      example.record = outputs.at(finding.output);
      example.output = where(Side::kOutput, finding.output);
      return example;
    };
    for (const Finding& finding : findings.duplicated_examples) {
      of_output(answer_.examples.duplicated, finding).input = where(Side::kInput, finding.other);
    }
    for (const Finding& finding : findings.phantom_examples) {
      of_output(answer_.examples.phantom, finding);
    }
    for (const Finding& finding : findings.reordered_examples) {
      of_output(answer_.examples.reordered, finding).later = where(Side::kOutput, finding.other);
    }
  }

  const Question& question_;
  const std::function<void(const std::string& path)>& begin_file_;
  Interpreter interpreter_;
  Answer answer_;
};

}  // namespace

Guarantee Answer::guarantee() const {
  return phantom > 0 || wrong > 0 ? Guarantee::kNone : output.guarantee();
}

input::Accepted<Answer> check(const Question& question,
                              const std::function<void(const std::string& path)>& begin_file) {
  try {
    return Checker(question, begin_file).run();
  } catch (const input::Refusal& refusal) {
    return refusal;
  }
}

}  // namespace reports::check
