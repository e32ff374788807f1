// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package phrase keeps what a result says in words together with the template and
// the values that the words were made of, so that the same can be said in another
// language without anybody reading prose. The English template in the code is the
// one source of the English sentence, and the name under which a translation of it
// is kept.
package phrase
