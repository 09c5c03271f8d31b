// Preloaded: the first two masks of the process can be had, the third cannot.
#include <cstdlib>
#include <new>

void* operator new[](std::size_t size) {
  constexpr std::size_t kMask = 80;
  static int left = 2;
  void* memory = size == kMask && left-- <= 0 ? nullptr : std::malloc(size);
  if (!memory) throw std::bad_alloc();
  return memory;
}

void operator delete[](void* memory) noexcept { std::free(memory); }
