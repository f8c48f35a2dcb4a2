// The limit on open files of this process.
#pragma once

#include <cstdint>

namespace weir::process {

// How many files this process may have open when it asks for all it can get.
std::uint64_t most_open_files();
// Asks for them. Shells and service managers begin with few (1,024 on Debian), for programs that
// use select(); Weir does not.
void raise_file_limit();

}  // namespace weir::process
