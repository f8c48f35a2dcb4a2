// JSON Merge Patch (RFC 7386): what a patch makes of a document.
//
// Stateless: any thread. Both texts must have passed check().
#pragma once

#include <string>

#include "pkg/json/view.hpp"

namespace weir::json {

// Members keep the order of `target`, new ones follow in that of `patch`; what is not patched stays
// byte for byte. Of members with one name the last of `patch` and the first of `target` count.
std::string merge_patch(View target, View patch);

}  // namespace weir::json
