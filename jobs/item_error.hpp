// One error in a list of results, in the shape of the API's error envelope.
#pragma once

#include <string>

#include "pkg/base/error.hpp"

namespace weir::jobs {

// {"error":"...","details":"...","code":409,"reason":"lease_lost","fields":[{field,message}]};
// `code` is the HTTP status that the error would have alone.
std::string item_error(const Error& error);

}  // namespace weir::jobs
