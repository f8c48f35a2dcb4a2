// The table and its values as text. Pure; thread-safe.
#pragma once

#include <string>

#include "pkg/config/loader.hpp"

namespace weir::config {

// The value as it may be shown: secrets as ***, the passwords inside URLs too.
std::string masked(const Setting& setting, const std::string& text);

// docs/config.md.
std::string markdown();

// {"key":{"value":...,"origin":"file"},...}, masked.
std::string to_json(const Values& values);

}  // namespace weir::config
