#include "pkg/replica/snapshot_file.hpp"

#include <zstd.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "pkg/crypto/crypto.hpp"
#include "pkg/replica/file_error.hpp"

namespace weir::replica {
namespace {

constexpr int kLevel = 3;
constexpr std::size_t kPiece = 1U << 20U;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using FilePtr = std::unique_ptr<std::FILE, CloseFile>;

Error damaged(const std::string& why) {
  return Error{Code::internal, "snapshot_damaged", "The snapshot is damaged", why};
}

Result<FilePtr> open_file(const std::string& path, const char* mode) {
  FilePtr file(std::fopen(path.c_str(), mode));
  if (!file) return file_error(path);
  return file;
}

Result<std::size_t> read_piece(std::FILE* file, std::vector<char>& buffer,
                               const std::string& path) {
  const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), file);
  if (got < buffer.size() && std::ferror(file) != 0) return file_error(path);
  return got;
}

Result<void> write_piece(std::FILE* file, const char* data, std::size_t size,
                         const std::string& path) {
  if (std::fwrite(data, 1, size, file) != size) return file_error(path);
  return {};
}

Result<void> finish(FilePtr file, const std::string& path) {
  if (std::fflush(file.get()) != 0) return file_error(path);
  return {};
}

}  // namespace

Result<void> compress_file(const std::string& from, const std::string& to) {
  WEIR_ASSIGN(const FilePtr in, open_file(from, "rbe"));
  WEIR_ASSIGN(FilePtr out, open_file(to, "wbe"));
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                     ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::vector<char> input(kPiece);
  std::vector<char> output(ZSTD_CStreamOutSize());
  for (bool last = false; !last;) {
    WEIR_ASSIGN(const std::size_t got, read_piece(in.get(), input, from));
    last = got < input.size();
    ZSTD_inBuffer source{input.data(), got, 0};
    for (bool done = false; !done;) {
      ZSTD_outBuffer target{output.data(), output.size(), 0};
      const std::size_t left = ZSTD_compressStream2(context.get(), &target, &source,
                                                    last ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left) != 0) {
        return Error{Code::internal, "file_error", "A file cannot be compressed",
                     ZSTD_getErrorName(left)};
      }
      WEIR_TRY(write_piece(out.get(), output.data(), target.pos, to));
      done = last ? left == 0 : source.pos == source.size;
    }
  }
  return finish(std::move(out), to);
}

Result<void> decompress_file(const std::string& from, const std::string& to) {
  WEIR_ASSIGN(const FilePtr in, open_file(from, "rbe"));
  WEIR_ASSIGN(FilePtr out, open_file(to, "wbe"));
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     ZSTD_freeDCtx);
  std::vector<char> input(kPiece);
  std::vector<char> output(ZSTD_DStreamOutSize());
  std::size_t left = 1;  // 0: a frame has ended
  for (;;) {
    WEIR_ASSIGN(const std::size_t got, read_piece(in.get(), input, from));
    if (got == 0) break;
    ZSTD_inBuffer source{input.data(), got, 0};
    while (source.pos < source.size) {
      ZSTD_outBuffer target{output.data(), output.size(), 0};
      left = ZSTD_decompressStream(context.get(), &target, &source);
      if (ZSTD_isError(left) != 0) return damaged(ZSTD_getErrorName(left));
      WEIR_TRY(write_piece(out.get(), output.data(), target.pos, to));
    }
  }
  if (left != 0) return damaged("it ends too early");
  return finish(std::move(out), to);
}

Result<FileSum> sum_file(const std::string& path) {
  WEIR_ASSIGN(const FilePtr in, open_file(path, "rbe"));
  crypto::Sha256 hash;
  FileSum sum;
  std::vector<char> buffer(kPiece);
  for (;;) {
    WEIR_ASSIGN(const std::size_t got, read_piece(in.get(), buffer, path));
    if (got == 0) break;
    hash.update({buffer.data(), got});
    sum.bytes += got;
  }
  sum.sha256 = crypto::to_hex(hash.finish());
  return sum;
}

}  // namespace weir::replica
