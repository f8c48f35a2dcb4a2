// What went wrong with a file of the data directory, from errno: out_of_space / disk_full, or
// internal / file_error.
#pragma once

#include <string>

#include "pkg/base/error.hpp"

namespace weir::replica {

Error file_error(const std::string& path);

}  // namespace weir::replica
