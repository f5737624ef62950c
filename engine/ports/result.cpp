#include "engine/ports/result.h"

#include <string>

namespace engine {
namespace {

class EngineCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "engine"; }

  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<Errc>(value)) {
      case Errc::kUnavailable:
        return "unavailable";
      case Errc::kOffsetOutOfRange:
        return "offset out of range";
      case Errc::kUnknownTopic:
        return "unknown topic or partition";
      case Errc::kNotFound:
        return "file not found";
      case Errc::kAlreadyExists:
        return "file exists";
      case Errc::kCorrupt:
        return "corrupt";
      case Errc::kIncompatible:
        return "written by another version of the application";
      case Errc::kRefused:
        return "refused";
      case Errc::kTimedOut:
        return "timed out";
      case Errc::kNoSpace:
        return "no space left";
      case Errc::kFetchFailed:
        return "shuffle fetch failed";
      case Errc::kUnsupported:
        return "unsupported";
    }
    return "unknown error";
  }
};

}  // namespace

const boost::system::error_category& engine_category() noexcept {
  static const EngineCategory category;
  return category;
}

}  // namespace engine
