// What code wants from outside the program, by name.
#include "tiered.h"

#include "../arch/arch.h"

using namespace llvm;

namespace bareflow {

uintptr_t Imports::stub_of_word(uintptr_t word) const {
  size_t bytes = pool.page_size();
  for (const Page &page : pages)
    if (word >= page.words && word - page.words < bytes)
      return page.stubs + (word - page.words) / sizeof(void *) * arch::stub_bytes;
  return 0;
}

Error Imports::add_page() {
  static_assert(arch::stub_bytes == sizeof(void *), "a page of words has as many as a page of stubs");
  ProgramMemory scope;
  size_t bytes = pool.page_size();
  auto data = pool.reserve(bytes);
  if (!data)
    return data.takeError();
  auto code = pool.reserve(bytes);
  if (!code)
    return code.takeError();
  for (size_t offset = 0; offset < bytes; offset += arch::stub_bytes)
    arch::put_stub(*code + offset, *data + offset);
  if (Error error = pool.seal(*code, bytes))
    return error;
  pages.push_back({*data, *code});
  return Error::success();
}

uintptr_t Imports::stub_of(StringRef name, uintptr_t address) {
  auto known = words.find(name);
  if (known != words.end())
    return stub_of_word(known->second);
  size_t per_page = pool.page_size() / sizeof(void *);
  if (words.size() == pages.size() * per_page)
    if (Error error = add_page()) {
      consumeError(std::move(error));
      return address_for_code(context, name, address);
    }
  uintptr_t word = pages.back().words + words.size() % per_page * sizeof(void *);
  *reinterpret_cast<uintptr_t *>(word) = address;
  adopt(name, word);
  return stub_of_word(word);
}

void Imports::adopt(StringRef name, uintptr_t word) {
  ProgramMemory scope;
  words[name] = word;
}

} // namespace bareflow
