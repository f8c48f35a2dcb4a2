#include "api/system_probe.hpp"

namespace weir::api {

std::string without_credentials(const std::string& urls) {
  std::string out;
  std::size_t begin = 0;
  while (begin <= urls.size()) {
    const auto end = std::min(urls.find(',', begin), urls.size());
    std::string url = urls.substr(begin, end - begin);
    const auto scheme = url.find("://");
    const auto host = scheme == std::string::npos ? 0 : scheme + 3;
    // The last @ before the path: an unescaped one may stand inside the password.
    const auto path = url.find('/', host);
    const auto at = url.rfind('@', path);
    if (at != std::string::npos && at >= host) url.erase(host, at + 1 - host);
    out.append(out.empty() ? "" : ",").append(url);
    begin = end + 1;
  }
  return out;
}

}  // namespace weir::api
