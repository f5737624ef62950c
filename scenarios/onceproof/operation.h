// scenarios/onceproof/operation.h
//
// A user's own operation. Implement Operation::apply(): one record in, any number of records out, a
// pure function. engine/ports/record_operation.h says what it must not do, and why.

#pragma once

#include "engine/ports/record_operation.h"

namespace onceproof {

using Record = engine::KeyedValue;
using Operation = engine::RecordOperation;

}  // namespace onceproof
