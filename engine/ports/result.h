// engine/ports/result.h
//
// What the world may answer: a value, or an error that the caller handles in plain sight.
// Programmer errors are INVARIANTs, a crash is neither.

#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace engine {

enum class Errc {
  kUnavailable = 1,   // the other side cannot be reached now; trying again may help
  kOffsetOutOfRange,  // Kafka no longer has, or does not yet have, an offset of the range
  kUnknownTopic,      // no such topic or partition
  kNotFound,          // no such file
  kAlreadyExists,     // the file is there and must not be
  kCorrupt,           // stored bytes fail their checksum or their format
  kIncompatible,      // stored by another version of the application ("Class Not Found")
  kRefused,           // the external system rejected the request; trying again will not help
  kTimedOut,          // no answer in time: the effect may or may not have happened
  kNoSpace,           // the storage is full
  kFetchFailed,       // a shuffle block's executor is gone (Spark's FetchFailed)
  kUnsupported,       // the chosen backend cannot do this
};

const boost::system::error_category& engine_category() noexcept;

inline boost::system::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), engine_category()};
}

template <class T = void>
class [[nodiscard]] Result : public boost::system::result<T> {
 public:
  using boost::system::result<T>::result;
};

}  // namespace engine

template <>
struct boost::system::is_error_code_enum<engine::Errc> : std::true_type {};
