/* Counts the guest's instructions, and prints the count where the guest asks: a plugin of QEMU 7 or
 * later (plugin API 1) for user-mode emulation.
 *
 * The guest asks by getpgid(0x5ce00000 + label), which fails there and costs nothing. Debian ships no
 * header for plugins, so what is used of it is declared here.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define GETPGID 155 /* on 64-bit ARM */
#define ASKED 0x5ceu

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*callback)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, enum qemu_plugin_op op,
                                              void *counter, uint64_t amount);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t id,
                                          void (*callback)(qemu_plugin_id_t, unsigned, int64_t, uint64_t,
                                                           uint64_t, uint64_t, uint64_t, uint64_t,
                                                           uint64_t, uint64_t, uint64_t));

int qemu_plugin_version = 1;
static uint64_t count;

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &count,
                                             qemu_plugin_tb_n_insns(block));
}

static void called(qemu_plugin_id_t id, unsigned core, int64_t number, uint64_t argument, uint64_t b,
                   uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h) {
    (void)id, (void)core, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
    if (number == GETPGID && argument >> 20 == ASKED)
        fprintf(stderr, "count %llu %llu\n", (unsigned long long)(argument & 0xfffff),
                (unsigned long long)count);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count_of_arguments,
                        char **arguments) {
    (void)info, (void)count_of_arguments, (void)arguments;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    return 0;
}
