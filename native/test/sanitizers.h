// Which sanitizer a test was built with, in one word for gcc and clang: PINNACLE_ADDRESS_SANITIZER
// and PINNACLE_THREAD_SANITIZER are 1 or 0.
#ifndef PINNACLE_TEST_SANITIZERS_H_
#define PINNACLE_TEST_SANITIZERS_H_

#if defined(__has_feature)
#define PINNACLE_HAS_FEATURE(name) __has_feature(name)
#else
#define PINNACLE_HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || PINNACLE_HAS_FEATURE(address_sanitizer)
#define PINNACLE_ADDRESS_SANITIZER 1
#else
#define PINNACLE_ADDRESS_SANITIZER 0
#endif

#if defined(__SANITIZE_THREAD__) || PINNACLE_HAS_FEATURE(thread_sanitizer)
#define PINNACLE_THREAD_SANITIZER 1
#else
#define PINNACLE_THREAD_SANITIZER 0
#endif

#endif  // PINNACLE_TEST_SANITIZERS_H_
