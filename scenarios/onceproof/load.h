// scenarios/onceproof/load.h
//
// From a user's pipeline to a scenario that can run, with the user's own code in its place.

#pragma once

#include "onceproof/pipeline.h"

#include "scenarios/diagnostic.h"
#include "scenarios/prepared.h"

namespace onceproof {

// Without the expectations of its text. The hash that a token names is that of the text as it was
// set, and of the names of the user's own code, so that no token is taken for that of the bare
// text. Errors    those of a scenario file; a text of several scenarios; a setting that has no
// place; a
//           sink both plugged in and written in the text.
// Throws    what the user's own operation throws.
scenarios::Loaded<scenarios::PreparedScenario> load(const Pipeline& pipeline);

}  // namespace onceproof
