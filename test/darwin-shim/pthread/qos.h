// <pthread/qos.h> of macOS, as far as the sources use it; see ../darwin_shim.h.
#ifndef PINNACLE_TEST_DARWIN_SHIM_PTHREAD_QOS_H_
#define PINNACLE_TEST_DARWIN_SHIM_PTHREAD_QOS_H_

enum qos_class_t : unsigned int {
  QOS_CLASS_USER_INTERACTIVE = 0x21,
  QOS_CLASS_USER_INITIATED = 0x19,
  QOS_CLASS_DEFAULT = 0x15,
  QOS_CLASS_UTILITY = 0x11,
  QOS_CLASS_BACKGROUND = 0x09,
  QOS_CLASS_UNSPECIFIED = 0x00,
};

extern "C" int pthread_set_qos_class_self_np(qos_class_t qos_class, int relative_priority);

#endif  // PINNACLE_TEST_DARWIN_SHIM_PTHREAD_QOS_H_
